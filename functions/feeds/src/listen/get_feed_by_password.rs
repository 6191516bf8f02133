//! `GET /b/{slug}.xml`: a private show's feed for apps that ask for a user name and a password (RFC 7617). The password is the
//! listener's feed token, the user name is not looked at. What has no password, or not the right one, is answered 401, whether
//! there is such a show or not. All addresses in the feed are the listener's own.

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::FeedToken;
use http::{HeaderValue, StatusCode, header};
use lambda_http::Response;
use lambda_kit::{Problem, Reply, Request, openapi::Operation};

use crate::listen::{App, get_feed};

pub(crate) fn describe(operation: Operation) -> Operation {
    get_feed::describe_feed(operation.path_parameter::<String>("file")).problem(password_needed())
}

pub(crate) async fn get_feed_by_password(app: App, request: Request) -> Result<Reply, Problem> {
    let answer = match password(&request) {
        Some(token) => get_feed::answer_feed(app, &request, Some(token)).await,
        None => Err(password_needed()),
    };

    match answer {
        Err(problem) if matches!(problem.status, StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED) => {
            Ok(ask_for_password(&request))
        }
        answer => answer,
    }
}

/// The feed token in `Authorization: Basic`, if there is one.
fn password(request: &Request) -> Option<FeedToken> {
    token_in(request.header("authorization")?)
}

fn token_in(authorization: &str) -> Option<FeedToken> {
    let (scheme, credentials) = authorization.split_once(' ')?;
    let credentials = scheme.eq_ignore_ascii_case("basic").then_some(credentials.trim())?;
    let credentials = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (_, password) = credentials.split_once(':')?;
    password.trim().parse().ok()
}

fn ask_for_password(request: &Request) -> Response<lambda_http::Body> {
    let mut reply = password_needed().into_response(&request.request_id);
    let challenge = HeaderValue::from_static("Basic realm=\"Private podcasts\", charset=\"UTF-8\"");
    reply.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    reply
}

fn password_needed() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "password_needed",
        "Password needed",
        "Send any user name, and as password the secret part of your own feed URL: the 32 characters behind /p/.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_a_feed_token_and_the_user_name_is_anybodys() {
        let token = "0123456789abcdefghjkmnpqrstvwxyz";
        let header = |credentials: &str| format!("Basic {}", STANDARD.encode(credentials));
        for user in ["", "ada", "ada@acme.example"] {
            let found = token_in(&header(&format!("{user}:{token}"))).unwrap();
            assert_eq!(found.as_str(), token);
        }
        assert!(token_in(&header(&format!("ada:{token}")).replace("Basic", "BASIC")).is_some());
        for bad in ["", "ada", "ada:", ":secret", token, &format!("ada:{token}x"), "a:b:c"] {
            assert!(token_in(&header(bad)).is_none(), "{bad}");
        }
        for bad in [
            "",
            "Basic",
            "Basic *",
            "Bearer abc",
            &format!("Bearer {}", STANDARD.encode(format!("a:{token}"))),
        ] {
            assert!(token_in(bad).is_none(), "{bad}");
        }
    }
}
