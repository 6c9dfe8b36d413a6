import { parseSheet } from './sheet.js';

const selectors = (text: string): string[] => parseSheet(text).rules.map((rule) => `${rule.selector}${rule.pseudo ? `::${rule.pseudo}` : ''}${rule.applies === 'maybe' ? '?' : ''}`);

describe('sheets', () => {
  it('keeps rules that hide, and drops all others', () => {
    expect(selectors('a{color:red} .x,.y > b{display:none} @font-face{src:url(x)} @keyframes k{from{display:none}}')).toEqual(['.x', '.y > b']);
  });
  it('resolves nesting as CSS and SCSS write it', () => {
    expect(selectors('.card { color: red; &:hover { display: none } .body { visibility: hidden; > p { display: block } } // note { }\n }')).toEqual(['.card:hover', '.card .body > p', '.card .body']);
  });
  it('evaluates media queries and leaves other conditions open', () => {
    expect(selectors('@media (max-width: 600px){.a{display:none}} @media (min-width: 600px){.b{display:none}} @supports (x: y){.c{display:none}} .d { @include phone { display: none } }')).toEqual(['.b', '.c?', '.d?']);
  });
  it('is not misled by braces in strings, comments and addresses', () => {
    expect(selectors('.a::before{content:"}{"} /* .b{display:none} */ .c{background:url(http://x/y;z);display:none}')).toEqual(['.a::before', '.c']);
  });
  it('notes imports, important declarations and layers', () => {
    const sheet = parseSheet('@import url("base.css"); @layer base { .a { display: none !important } }');
    expect(sheet.imports).toEqual(['base.css']);
    expect(sheet.rules).toMatchObject([{ selector: '.a', layered: true }]);
    expect(sheet.rules[0]?.declarations.get('display')).toEqual({ value: 'none', important: true });
  });
  it('ends on text that is no style sheet', () => {
    for (const text of ['}}}}', '{{{{{{', '"', '/*', '@media', 'a{'.repeat(500), '('.repeat(100_000)]) expect(parseSheet(text).rules).toEqual([]);
  });
});
