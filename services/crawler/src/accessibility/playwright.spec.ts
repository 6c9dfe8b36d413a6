import { chromium, type Browser, type Page as Tab } from '@playwright/test';
import type { Page } from '../framework.js';
import { repoOf } from '../interpret/repo-fixture.js';
import { looksOf } from '../styles.js';
import { Stylist } from '../styles/stylist.js';
import { documentOf } from '../templates/document.js';
import { attribute, domOf, tagOf } from './dom.js';
import { presenceOf } from './facts.js';
import { hiddenForAria, nameOf, textOf } from './names.js';
import { roleOf } from './roles.js';

/** Each snippet is rendered by Chromium and asked by Playwright's own locators: what this module claims must be what they find. */
const SNIPPETS: Record<string, string> = {
  'links': '<a href="/a">Alpha</a><a>no href</a><a href="/b"><img src="x.png" alt="Beta"></a><a href="/c" aria-label="Gamma">x</a><a href="/d" title="Delta"></a><area href="/x">',
  'touching inline words': '<button><span>One</span><span>Two</span></button><button><span>One</span> <span>Two</span></button><a href="/x"><b>Bo</b><i>ld</i></a>',
  'block words': '<button><div>One</div><div>Two</div></button><a href="/x"><p>Para</p><p>Graph</p></a><h2>Line<br>break</h2>',
  'flex words': '<style>.f{display:flex}.g{display:inline-flex}</style><button class="f"><span>One</span><span>Two</span></button><a href="/x" class="g"><span>A</span><span>B</span></a>',
  'inline-block words': '<style>.ib{display:inline-block}</style><button><span class="ib">One</span><span>Two</span></button>',
  'positioned words': '<style>.abs{position:absolute}.fl{float:left}</style><button><span class="abs">One</span><span>Two</span></button><button><span class="fl">One</span><span>Two</span></button>',
  'headings': '<h1>Top</h1><h3>  spaced   words </h3><div role="heading" aria-level="2">Aria</div><h2><a href="/x">Linked</a></h2>',
  'inputs by label': '<label for="a">First name</label><input id="a"><label>Last name <input></label><label>Mail<input type="email"></label><input aria-label="Phone" type="tel"><input placeholder="Search here"><input title="Titled" placeholder="Not me">',
  'input types': '<input type="checkbox" aria-label="c"><input type="radio" aria-label="r"><input type="number" aria-label="n"><input type="range" aria-label="g"><input type="search" aria-label="s"><input type="password" aria-label="p"><input type="date" aria-label="d"><input type="color" aria-label="o"><input type="file" aria-label="f"><input type="hidden" aria-label="h"><input type="weird" aria-label="w">',
  'buttons by value': '<input type="submit"><input type="submit" value="Go"><input type="reset"><input type="button" value="Press"><input type="image" alt="Pic" src="x"><input type="button" title="Only title"><button title="Tip"></button>',
  'label with control inside': '<label>Pay <input type="number" value="5"> now <input type="checkbox"></label>',
  'label with select inside': '<label>Sort <select><option>Up</option><option selected>Down</option></select></label>',
  'two labels': '<label for="t">One</label><label for="t">Two</label><input id="t">',
  'labelledby': '<span id="x">Ex</span><span id="y" hidden>Hidden why</span><button aria-labelledby="x y">own</button><input aria-labelledby="x"><section aria-labelledby="x"><p>in</p></section>',
  'labelledby nowhere': '<button aria-labelledby="nope">Own words</button><input aria-labelledby="nope" placeholder="Place">',
  'landmarks': '<header>h</header><nav>n</nav><main><header>inner</header><section>s</section><section aria-label="Named">t</section><article><footer>f</footer></article></main><aside>a</aside><footer>end</footer><form>x</form><form aria-label="Login">y</form>',
  'images': '<img src="x" alt="Cat"><img src="x" alt=""><img src="x" width="10" height="10"><img src="x" title="Dog" width="9" height="9">',
  'svg': '<button><svg width="10" height="10"><title>Close</title><path d="M0 0"/></svg></button><svg width="10" height="10" aria-label="Chart"></svg><a href="/x"><svg width="5" height="5"></svg> Text</a><button aria-label="Menu"><svg width="9" height="9"/></button>',
  'aria-hidden parts': '<button><span aria-hidden="true">×</span> Close</button><a href="/x">Go<span aria-hidden="true">→</span></a><div aria-hidden="true"><button>Unseen</button></div>',
  'hidden parts': '<button>Save<span hidden> secret</span></button><button>Load<span style="display:none">x</span></button><button>Keep<span style="visibility:hidden">y</span></button>',
  'lists': '<ul><li>One</li><li><a href="/x">Two</a></li></ul><ol><li>Three</li></ol><dl><dt>Term</dt><dd>Def</dd></dl><menu><li>m</li></menu>',
  'presentation': '<ul role="presentation"><li>gone</li></ul><table role="none"><tbody><tr><td>cell</td></tr></tbody></table><img role="presentation" src="x" alt="decor"><button role="none">stays</button>',
  'tables': '<table><caption>Sales</caption><thead><tr><th>Name</th><th>Sum</th></tr></thead><tbody><tr><th scope="row">Ann</th><td>5</td></tr><tr><td>Bob</td><td>6</td></tr></tbody></table><table><tr><th>Solo</th></tr></table><table><tr><th>R</th><td>1</td></tr></table>',
  'details': '<details><summary>More</summary><p>Closed words</p></details><details open><summary>Less</summary><p>Open words</p><button>Inside</button></details>',
  'dialog': '<dialog><button>Never</button></dialog><dialog open aria-label="Box"><button>Yes</button></dialog><div role="dialog" aria-labelledby="q"><h2 id="q">Question</h2></div>',
  'fieldset': '<fieldset><legend>Address</legend><label>Street <input></label></fieldset><fieldset><input aria-label="z"></fieldset><figure><img src="x" alt="i"><figcaption>Caption</figcaption></figure>',
  'selects': '<label for="s">Pick</label><select id="s"><option>A</option><option>B</option></select><select multiple aria-label="Many"><option>C</option></select><select size="3" aria-label="Tall"><option>D</option></select><input list="dl" aria-label="Combo"><datalist id="dl"><option value="z"></datalist>',
  'display none by class': '<style>.gone{display:none} .dim{opacity:0} .inv{visibility:hidden} .inv .back{visibility:visible}</style><p class="gone">x</p><button class="gone">No</button><div class="inv"><button>Hid</button><button class="back">Back</button></div>',
  'cascade': '<style>#one{display:block} .x{display:none} p.y{display:block} .y{display:none} .z{display:none!important}</style><p id="one" class="x">id wins</p><p class="y">longer wins</p><p class="z" style="display:block">important wins</p><p class="x" style="display:block">style wins</p>',
  'media': '<style>@media (max-width:600px){.wide{display:none}} @media (min-width:1000px){.narrow{display:none}} @media print{.p{display:none}} @media (800px <= width < 1400px){.range{display:none}}</style><a href="/w" class="wide">Wide</a><a href="/n" class="narrow">Narrow</a><a href="/p" class="p">Print</a><a href="/r" class="range">Range</a>',
  'combinators': '<style>ul > li:first-child{display:none} h2 + p{display:none} h3 ~ p{display:none} li:not(.keep):last-child{display:none} body .deep{display:none} html > body > .top{display:none}</style><ul><li>a</li><li class="keep">b</li><li>c</li></ul><h2>h</h2><p>next</p><p>later</p><div><h3>i</h3><span>s</span><p>sib</p></div><p class="deep">deep</p><p class="top">top</p>',
  'nesting': '<style>.card{ .hide{display:none} &.off{display:none} > a{display:block} }</style><div class="card"><p class="hide">n</p><a href="/q">q</a></div><div class="card off">off</div><p class="hide">shown</p>',
  'pseudo text': '<style>.req::after{content:" *"} .arrow::before{content:"→ "} .at::after{content:attr(data-x)} .clear::after{content:"";display:table} .img::before{content:url(x.png)}</style><label class="req" for="k">Name</label><input id="k"><a href="/x" class="arrow">Next</a><button class="at" data-x="!">Wow</button><button class="clear">Clear</button><button class="img">Pic</button>',
  'attribute selectors': '<style>[data-off]{display:none} a[href^="/hid"]{display:none} input[type=text]{display:none} [class*=secret]{display:none}</style><p data-off>a</p><a href="/hidden">b</a><a href="/shown">c</a><input type="text" aria-label="d"><input aria-label="e"><p class="my-secret-x">f</p>',
  'conditional by sibling': '<style>.menu{display:none} input:checked + label + .menu{display:block} .list li:nth-child(2){display:none}</style><input type="checkbox" id="q" aria-label="T"><label for="q">L</label><div class="menu">closed</div>',
  'checked selector': '<style>#m{display:block} .menu{display:none} #m:checked ~ .menu{display:block}</style><input type="checkbox" id="m" aria-label="Toggle" checked><div class="menu"><a href="/x">In menu</a></div>',
  'empty elements': '<p></p><div></div><span></span><a href="/x"></a><ul></ul><button></button><div><span>  </span></div>',
  'nested inline blocks': '<a href="/x"><div>Block in link</div></a><span><h4>Head in span</h4></span>',
  'nbsp and odd spaces': '<button>A&nbsp;B</button><button>\n  New\n  line </button><button>Zero&#8203;width</button><h2>So&shy;ft</h2>',
  'disabled': '<button disabled>Dis</button><fieldset disabled><legend><button>InLegend</button></legend><button>InSet</button></fieldset>',
  'nested interactive names': '<button>Count <b>3</b></button><h2>Total: <output>5</output></h2><a href="/x">Read <em>more</em> <small>now</small></a>',
  'list item names': '<ul><li role="option">Opt</li><li role="menuitem"><span>Cut</span></li></ul><div role="tab">Tab one</div><div role="switch" aria-checked="true">Sw</div><div role="alert">Alarm</div><div role="status">Fine</div>',
  'roles with fallback': '<div role="unknown button">Fallback</div><div role="img" aria-label="Star">★</div><span role="link">SpanLink</span><div role="textbox" aria-label="Rich">abc</div>',
  'noscript and template': '<noscript><p>No script</p></noscript><template><p>Tpl</p></template><p>After</p>',
  'hidden attribute': '<p hidden>h</p><style>.force{display:block}</style><div hidden><button>x</button></div>',
  'row and cell names': '<table><tbody><tr><td>Ann <button>Edit</button></td><td><input aria-label="q" value="v"></td></tr></tbody></table>',
  'iframe, progress, meter': '<progress value="3" max="10" aria-label="Load"></progress><meter value="0.5" title="Disk"></meter><hr><label>P <progress value="1"></progress></label>',
  'label hidden': '<label for="hh" style="display:none">Hidden label</label><input id="hh"><label for="vv"><span hidden>x</span>Seen</label><input id="vv">',
  'transforms in words': '<style>.up{text-transform:uppercase}</style><button class="up">Save all</button><h1 class="up">shout</h1>',
  'form associated outside': '<form id="ff"></form><label for="oo">Out</label><input id="oo" form="ff"><button form="ff">Send</button>',
  'comments and entities': '<button>A<!-- c -->B</button><button>&lt;b&gt; &amp; c</button><p>one<!-- -->two</p>',
  'aria-label on generic': '<div aria-label="Named div">x</div><p aria-label="para">y</p><span aria-label="sp">z</span><ul aria-label="List"><li>i</li></ul>',
  'nav lists': '<nav aria-label="Main"><ul><li><a href="/1">One</a></li><li><a href="/2"><span>Two</span><span>(3)</span></a></li></ul></nav>',
  'video and canvas': '<canvas aria-label="Drawing" width="5" height="5"></canvas><iframe title="Frame" width="10" height="10"></iframe>',
  'blockquote, code, time': '<blockquote>q</blockquote><code>c</code><time>t</time><strong>s</strong><mark>m</mark><del>d</del><ins>i</ins><sub>b</sub><sup>p</sup><em>e</em><dfn>f</dfn><article>a</article><address>ad</address><search>se</search>',
  'contents display': '<style>.c{display:contents}</style><div class="c"><button>In contents</button></div>',
  'aria-owns': '<div id="own">Owned</div><button aria-owns="own">Owner</button>',
  'whitespace between blocks': '<a href="/x">\n<div>One</div>\n<span>Two</span>\n</a><button><span> lead</span><span>trail </span></button>',
  'alt inside names': '<button><img src="x" alt="Icon">Save</button><h2><img src="x" alt=""> Plain</h2><a href="/x"><img src="x" alt="Logo"> <span>Home</span></a>',
  'radio groups': '<fieldset><legend>Size</legend><label><input type="radio" name="s"> Small</label><label><input type="radio" name="s" checked> Large</label></fieldset><div role="radiogroup" aria-label="Colour"><div role="radio" aria-checked="true">Red</div></div>',
  'textarea and placeholder': '<textarea placeholder="Say it"></textarea><label>Note <textarea>typed</textarea></label><input placeholder="  "><input type="checkbox" placeholder="no">',
  'sectioning header': '<section><header>sec</header></section><div><header>div</header><footer>dfoot</footer></div><div role="main"><footer>rolemain</footer></div>',
};

const repo = repoOf({});
function pageOf(html: string): Page {
  const document = documentOf([{ kind: 'html', text: html, at: { file: 'x.html', line: 1 }, advances: true }]);
  return { path: '/', route: '/', title: null, markup: document.markup, styles: document.styles.filter((style) => 'text' in style), needs: [], session: undefined, fields: new Map(), at: { file: 'x.html', line: 1 } };
}

const byNumber = (a: string, b: string): number => Number(a) - Number(b);

describe('accessibility, compared with Playwright in Chromium', () => {
  let browser: Browser;
  let tab: Tab;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
    tab = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    await tab.route('**/*', (route) => route.abort());
  });
  afterAll(() => browser.close());

  it.each(Object.keys(SNIPPETS))('%s', async (title) => {
    let n = 0;
    const body = (SNIPPETS[title] as string).replaceAll(/<([a-z][a-z0-9]*)(?=[\s>/])/g, (_, tag: string) => `<${tag} data-n="${++n}"`);
    const html = `<!doctype html><html><head></head><body>${body}</body></html>`;
    await tab.setContent(html);
    const dom = domOf(pageOf(html));
    const looks = looksOf(dom, new Stylist(repo).bookOf(dom.page));
    const wrong: string[] = [];
    const claimed = new Map<string, { role: string; name: string; ids: string[] }>();
    for (const element of dom.elements) {
      const id = attribute(element, 'data-n') as string | null;
      // Elements that only the parser adds (`tbody`) carry no number.
      if (id === null) continue;
      const where = `<${tagOf(element)} ${id}>`;
      const presence = presenceOf(dom, element, looks);
      if (!['style', 'script'].includes(tagOf(element)) && presence !== 'unsure') {
        const visible = await tab.locator(`[data-n="${id}"]`).isVisible();
        if (visible !== (presence === 'shown')) wrong.push(`${where} is ${visible ? 'visible' : 'not visible'}, not ${presence}`);
      }
      const [role, name] = [roleOf(dom, element), nameOf(dom, element, looks)];
      if (role === undefined || name === null) wrong.push(`${where} ${role === undefined ? 'role' : 'name'} is not decided`);
      const text = textOf(element);
      const seen = await tab.locator(`[data-n="${id}"]`).evaluate((node) => (node.nodeName === 'INPUT' ? (node as unknown as { value: string; type: string }).value : node.textContent ?? ''));
      if (!/^(input|style|noscript|template)$/.test(tagOf(element)) && !SNIPPETS[title]?.includes('<style') && text !== seen.replaceAll(/[\u200B\u00AD]/g, '').replaceAll(/\s+/g, ' ').trim()) wrong.push(`${where} text is ${JSON.stringify(seen)}, not ${JSON.stringify(text)}`);
      if (role && name !== null && hiddenForAria(element, looks) === 'no') {
        const claim = claimed.get(`${role} ${name}`) ?? { role, name, ids: [] };
        claim.ids.push(id);
        claimed.set(`${role} ${name}`, claim);
      }
    }
    for (const { role, name, ids } of claimed.values()) {
      const found = await tab.getByRole(role as Parameters<Tab['getByRole']>[0], name ? { name, exact: true } : {}).evaluateAll((nodes) => nodes.map((node) => node.getAttribute('data-n')).filter((id) => id !== null));
      const named = new Set([...claimed.values()].filter((claim) => claim.role === role).flatMap((claim) => claim.ids));
      const expected = name ? ids : [...named];
      if (expected.toSorted(byNumber).join() !== found.toSorted(byNumber).join()) wrong.push(`${role} ${JSON.stringify(name)} is found at ${found.join()}, not ${expected.join()}`);
    }
    expect(wrong).toEqual([]);
  });
});
