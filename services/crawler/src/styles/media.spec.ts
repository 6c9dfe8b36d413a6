import { evaluateMedia } from './media.js';

describe('media queries at 1280 × 720', () => {
  it.each([
    ['screen', 'yes'], ['', 'yes'], ['print', 'no'], ['(min-width: 768px)', 'yes'], ['(max-width: 767px)', 'no'], ['(min-width: 80em)', 'yes'], ['(min-width: 81em)', 'no'], ['only screen and (min-width: 600px) and (max-width: 900px)', 'no'],
    ['(max-width: 600px), (min-width: 1000px)', 'yes'], ['not print', 'yes'], ['not all and (min-width: 600px)', 'no'], ['(width >= 40rem)', 'yes'], ['(600px <= width < 1280px)', 'no'], ['(orientation: portrait)', 'no'],
    ['(prefers-color-scheme: dark)', 'no'], ['(hover: hover) and (pointer: fine)', 'yes'], ['(prefers-reduced-motion: reduce)', 'no'], ['(display-mode: standalone)', 'maybe'], ['#{$tablet}', 'maybe'], ['(min-width: var(--x))', 'maybe'],
    ['(max-width: 500px) and (display-mode: standalone)', 'no'],
  ])('%s: %s', (query, verdict) => { expect(evaluateMedia(query)).toBe(verdict); });
});
