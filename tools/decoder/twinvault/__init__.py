"""An independent reader of the Twinvault format, written from docs/format alone. See tools/decoder/README.md."""
