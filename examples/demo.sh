#!/bin/sh
# Ingest the sample corpus into a data folder of its own, then ask in three languages.
set -eu
cd "$(dirname "$0")/.."
QUOTH_DATA_DIR="${QUOTH_DEMO_DIR:-quoth-data/demo}"
export QUOTH_DATA_DIR
quoth=.venv/bin/quoth

echo "== preparing the default model (once)"
$quoth models --prepare
echo "== ingesting examples/corpus into $QUOTH_DATA_DIR"
$quoth ingest examples/corpus
ask() {
  echo
  echo "== asking ($1): $2"
  $quoth ask "$2"
}
ask English "Where was the lens hidden during the war?"
ask Greek "Πώς έλεγαν τη γάτα του τελευταίου φαροφύλακα;"
ask Chinese "修复灯塔花了多少钱？"
echo
echo "Ask your own: QUOTH_DATA_DIR=$QUOTH_DATA_DIR .venv/bin/quoth ask \"...\""
