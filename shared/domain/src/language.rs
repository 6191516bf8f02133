use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Invalid, text::checked_text};

/// What is spoken: an ISO 639 code and, where it matters, a region, written as BCP 47 recommends (`en`, `pt-BR`, `es-419`).
///
/// RSS 2.0, Apple and PSP-1 ask for ISO 639 codes; any case is read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[A-Za-z]{2,3}(-([A-Za-z]{2}|419))?$"))]
pub struct Language(String);

impl FromStr for Language {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        canonical(text).map(Self).ok_or(Invalid::new(
            "a language is a code of ISO 639 with an optional region, such as en or pt-BR",
        ))
    }
}

checked_text!(Language);

fn canonical(text: &str) -> Option<String> {
    let (language, region) = match text.split_once('-') {
        Some((language, region)) => (language, Some(region)),
        None => (text, None),
    };
    let language = code(language.to_ascii_lowercase(), &[TWO_LETTERS, THREE_LETTERS])?;

    match region {
        None => Some(language),
        Some(region) => {
            let region = code(region.to_ascii_uppercase(), &[REGIONS])?;
            Some(format!("{language}-{region}"))
        }
    }
}

/// Whether `code` is one of ISO 3166-1, in upper case.
pub(crate) fn is_country(code: &str) -> bool {
    code != "419" && REGIONS.split(' ').any(|known| known == code)
}

fn code(code: String, tables: &[&str]) -> Option<String> {
    tables.iter().flat_map(|table| table.split(' ')).any(|known| known == code).then_some(code)
}

/// ISO 639-1.
const TWO_LETTERS: &str = "\
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de \
    dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id \
    ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu \
    lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu \
    rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr \
    ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// ISO 639-2: languages that have no two-letter code; no groups of languages, nothing that says "unknown".
const THREE_LETTERS: &str = "\
    ace ach ada ady afh ain akk ale alt ang anp arc arn arp arw ast awa bal ban bas bej bem bho bik bin \
    bla bra bua bug byn cad car ceb chb chg chk chm chn cho chp chr chy cnr cop crh csb dak dar del den \
    dgr din doi dsb dua dum dyu efi egy eka elx enm ewo fan fat fil fon frm fro frr frs fur gaa gay gba \
    gez gil gmh goh gon gor got grb grc gsw gwi hai haw hil hit hmn hsb hup iba ilo inh jbo jpr jrb kaa \
    kab kac kam kaw kbd kha kho kmb kok kos kpe krc krl kru kum kut lad lah lam lez lol loz lua lui lun \
    luo lus mad mag mai mak man mas mdf mdr men mga mic min mnc mni moh mos mul mus mwl mwr myv nap nds \
    new nia niu nog non nqo nso nwc nym nyn nyo nzi osa ota pag pal pam pap pau peo phn pon pro raj rap \
    rar rom rup sad sah sam sas sat scn sco sel sga shn sid sma smj smn sms snk sog srn srr suk sus sux \
    syc syr tem ter tet tig tiv tkl tlh tli tmh tog tpi tsi tum tvl tyv udm uga umb vai vot wal war was \
    xal yao yap zap zbl zen zgh zun zxx zza";

/// ISO 3166-1, and Latin America (419) of UN M.49.
const REGIONS: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT \
    BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH \
    ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT \
    HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS \
    LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI \
    NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG \
    SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG \
    UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW 419";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_codes_are_written_as_bcp_47_recommends() {
        for (text, canonical) in [
            ("en", "en"),
            ("EN-us", "en-US"),
            ("pt-br", "pt-BR"),
            ("es-419", "es-419"),
            ("fil", "fil"),
            ("gsw-CH", "gsw-CH"),
        ] {
            assert_eq!(text.parse::<Language>().unwrap().as_str(), canonical);
        }
    }

    #[test]
    fn made_up_codes_are_refused() {
        for bad in
            ["", "xx", "english", "en_US", "en-", "-US", "en-UK", "en-EN", "en-US-x", "und", "a a", "eng"]
        {
            assert!(bad.parse::<Language>().is_err(), "{bad:?}");
        }
    }
}
