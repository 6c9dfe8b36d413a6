/** The browser that the tests run in: Playwright's desktop Chromium. */
const VIEWPORT = { width: 1280, height: 720 };
export type Verdict = 'yes' | 'no' | 'maybe';

/** Whether a media query list applies to a screen of 1280 × 720, light, with a mouse. */
export function evaluateMedia(query: string): Verdict {
  if (query.length > 2000 || /[$@{]/.test(query)) return 'maybe';
  const verdicts = query.split(',').map((one) => evaluateOne(one.trim().toLowerCase()));
  return verdicts.includes('yes') ? 'yes' : verdicts.includes('maybe') ? 'maybe' : 'no';
}

function evaluateOne(query: string): Verdict {
  if (query === '' || query === 'all' || query === 'screen') return 'yes';
  const negated = query.startsWith('not ');
  const body = negated ? query.slice(4) : query;
  if (/\)\s*or\s*\(/.test(body)) {
    const verdicts = body.split(/\)\s*or\s*\(/).map((part) => evaluateOne(`(${part.replace(/^\(|\)$/g, '')})`));
    return negate(negated, verdicts.includes('yes') ? 'yes' : verdicts.includes('maybe') ? 'maybe' : 'no');
  }
  const verdicts = body.split(/\band\b/).map((part) => evaluateFeature(part.trim().replace(/^only\s+/, '')));
  return negate(negated, verdicts.includes('no') ? 'no' : verdicts.includes('maybe') ? 'maybe' : 'yes');
}
const negate = (negated: boolean, verdict: Verdict): Verdict => (!negated || verdict === 'maybe' ? verdict : verdict === 'yes' ? 'no' : 'yes');

function evaluateFeature(part: string): Verdict {
  if (part === 'screen' || part === 'all') return 'yes';
  if (/^(print|speech|tty|tv|handheld|projection)$/.test(part)) return 'no';
  const feature = /^\(\s*(.*?)\s*\)$/.exec(part)?.[1];
  if (feature === undefined) return 'maybe';
  const plain = /^([a-z-]+)\s*:\s*(.+)$/.exec(feature);
  if (plain) return plainFeature(plain[1] as string, plain[2] as string);
  return rangeFeature(feature);
}

function plainFeature(name: string, value: string): Verdict {
  const edge = /^(min|max)-(?:device-)?(width|height)$/.exec(name);
  if (edge) {
    const px = pixels(value);
    if (px === undefined) return 'maybe';
    const size = VIEWPORT[edge[2] as 'width' | 'height'];
    return (edge[1] === 'min' ? size >= px : size <= px) ? 'yes' : 'no';
  }
  switch (name) {
    case 'orientation': return value === 'landscape' ? 'yes' : 'no';
    case 'hover': case 'any-hover': return value === 'hover' ? 'yes' : 'no';
    case 'pointer': case 'any-pointer': return value === 'fine' ? 'yes' : 'no';
    case 'prefers-color-scheme': return value === 'light' ? 'yes' : 'no';
    case 'prefers-reduced-motion': case 'prefers-contrast': return value === 'no-preference' ? 'yes' : 'no';
    default: return 'maybe';
  }
}

/** `width >= 600px`, `600px <= width < 900px`. */
function rangeFeature(feature: string): Verdict {
  const parts = feature.split(/\s*(<=|>=|<|>|=)\s*/);
  if (parts.length !== 3 && parts.length !== 5) return 'maybe';
  for (let i = 0; i + 2 < parts.length; i += 2) {
    const [left, right] = [measure(parts[i] as string), measure(parts[i + 2] as string)];
    if (left === undefined || right === undefined) return 'maybe';
    const holds = { '<': left < right, '<=': left <= right, '>': left > right, '>=': left >= right, '=': left === right }[parts[i + 1] as '<' | '<=' | '>' | '>=' | '='];
    if (!holds) return 'no';
  }
  return 'yes';
}
const measure = (text: string): number | undefined => (text === 'width' ? VIEWPORT.width : text === 'height' ? VIEWPORT.height : pixels(text));

function pixels(value: string): number | undefined {
  const match = /^(\d{0,6}(?:\.\d{1,6})?)(px|em|rem)?$/.exec(value.trim());
  if (!match?.[1]) return undefined;
  return Number(match[1]) * (match[2] === 'em' || match[2] === 'rem' ? 16 : 1);
}
