/** The type of a file by its first 512 bytes, as Go's `http.DetectContentType` tells it, which decides whether the GitHub MCP server answers with text or with a blob. */
export function contentType(bytes: Buffer): string {
  const head = bytes.subarray(0, 512);
  for (const [mark, type] of MARKS) if (head.subarray(0, mark.length).equals(mark)) return type;
  if (head.subarray(0, 4).toString('latin1') === 'RIFF' && head.subarray(8, 14).toString('latin1') === 'WEBPVP') return 'image/webp';
  const text = head.toString('latin1').replace(/^[\t\n\f\r ]+/, '');
  if (HTML.test(text)) return 'text/html; charset=utf-8';
  if (text.startsWith('<?xml')) return 'text/xml; charset=utf-8';
  return head.some((byte) => byte <= 8 || byte === 0x0b || (byte >= 0x0e && byte <= 0x1a) || (byte >= 0x1c && byte <= 0x1f)) ? 'application/octet-stream' : 'text/plain; charset=utf-8';
}

/** A tag counts only when a space or its end follows. */
const HTML = /^(?:<(?:!DOCTYPE HTML|HTML|HEAD|SCRIPT|IFRAME|H1|DIV|FONT|TABLE|A|STYLE|TITLE|B|BODY|BR|P)[ >]|<!--)/i;

const MARKS: ReadonlyArray<readonly [Buffer, string]> = ([
  ['%PDF-', 'application/pdf'], ['%!PS-Adobe-', 'application/postscript'], ['\xfe\xff', 'text/plain; charset=utf-16be'], ['\xff\xfe', 'text/plain; charset=utf-16le'], ['\xef\xbb\xbf', 'text/plain; charset=utf-8'],
  ['\0\0\x01\0', 'image/x-icon'], ['BM', 'image/bmp'], ['GIF87a', 'image/gif'], ['GIF89a', 'image/gif'], ['\x89PNG\r\n\x1a\n', 'image/png'], ['\xff\xd8\xff', 'image/jpeg'], ['ID3', 'audio/mpeg'], ['OggS\0', 'application/ogg'],
  ['\0\x01\0\0', 'font/ttf'], ['OTTO', 'font/otf'], ['ttcf', 'font/collection'], ['wOFF', 'font/woff'], ['wOF2', 'font/woff2'], ['\x1f\x8b\x08', 'application/x-gzip'], ['PK\x03\x04', 'application/zip'], ['\0asm', 'application/wasm'],
] as const).map(([mark, type]) => [Buffer.from(mark, 'latin1'), type]);
