#!/bin/sh
# Draws the demo shows' square covers. Needs ffmpeg.
set -eu
cd "$(dirname "$0")"

# cover FILE BACKGROUND FOREGROUND: five bars, as of a level meter
cover() {
    ffmpeg -v error -y -f lavfi -i "color=c=$2:s=1400x1400,format=rgb24" -frames:v 1 -fflags +bitexact -vf "
        drawbox=x=250:y=600:w=120:h=200:c=$3:t=fill,
        drawbox=x=445:y=420:w=120:h=560:c=$3:t=fill,
        drawbox=x=640:y=280:w=120:h=840:c=$3:t=fill,
        drawbox=x=835:y=420:w=120:h=560:c=$3:t=fill,
        drawbox=x=1030:y=600:w=120:h=200:c=$3:t=fill" -compression_level 100 "$1"
}

cover acme-newsroom.png 0x14324b 0xf2b134
cover acme-rehearsal.png 0x3b2344 0xf2b134
cover globex-briefing.png 0x0f4c3a 0xf4f1e8
