#!/bin/sh
# Speaks the texts beside this script and encodes them. Needs espeak-ng, and ffmpeg with libmp3lame.
set -eu
cd "$(dirname "$0")"

# speak VOICE TEXT TITLE SHOW FILE ENCODER-OPTIONS...
speak() {
    voice=$1 text=$2 title=$3 show=$4 file=$5
    shift 5
    espeak-ng -v "$voice" -s 150 -g 2 -f "$text" --stdout |
        ffmpeg -v error -y -i - -af loudnorm=I=-16:TP=-1.5 -ar 22050 -ac 1 -fflags +bitexact \
            -metadata title="$title" -metadata album="$show" -metadata artist="$show" "$@" "$file"
}

speak en-gb acme-welcome.txt "Welcome" "Acme Newsroom" acme-welcome.mp3 -c:a libmp3lame -b:a 40k
speak en-us globex-briefing.txt "How to leave" "Globex Briefing" globex-briefing.m4a \
    -c:a aac -b:a 30k -movflags +faststart
speak en-gb-scotland acme-rehearsal.txt "Rehearsal" "Acme Rehearsal" acme-rehearsal.mp3 -c:a libmp3lame -b:a 40k
