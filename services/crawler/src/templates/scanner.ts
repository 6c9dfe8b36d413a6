const VOID = new Set(['area', 'base', 'br', 'col', 'embed', 'hr', 'img', 'input', 'link', 'meta', 'param', 'source', 'track', 'wbr']);
export const isVoid = (tag: string): boolean => VOID.has(tag);
/** HTML closes these by itself, so a template may leave them open. */
const OPTIONAL_END = new Set(['p', 'li', 'dt', 'dd', 'option', 'optgroup', 'tr', 'td', 'th', 'thead', 'tbody', 'tfoot', 'colgroup', 'caption', 'rt', 'rp', 'html', 'head', 'body']);
const TEXT_ONLY = new Set(['title', 'textarea', 'script', 'style', 'xmp', 'iframe', 'noembed', 'noframes']);

/**
 * Follows the text of a page just far enough to know where a region begins and ends: in text, between the attributes of a
 * tag, in an attribute's value, in a comment, or in an element that holds only text. One pass, no look-back.
 */
export class Scanner {
  state: 'text' | 'tag-name' | 'tag' | 'attribute' | 'double' | 'single' | 'bare' | 'comment' | 'only-text' = 'text';
  /** Tags in order since the beginning: `div`, `/div`. */
  readonly #tags: string[] = [];
  #name = '';
  #until = '';
  #tail = '';

  mark(): number { return this.#tags.length; }

  /** Whether every element opened since the mark was closed and no other was. */
  balancedSince(mark: number): boolean {
    const open: string[] = [];
    for (const tag of this.#tags.slice(mark)) {
      if (!tag.startsWith('/')) { open.push(tag); continue; }
      const at = open.lastIndexOf(tag.slice(1));
      if (at < 0) return false;
      if (open.splice(at).slice(1).some((inner) => !OPTIONAL_END.has(inner))) return false;
    }
    return open.every((tag) => OPTIONAL_END.has(tag));
  }

  feed(text: string): void {
    for (const character of text) this.#step(character);
  }

  #step(c: string): void {
    this.#tail = (this.#tail + c).slice(-12);
    switch (this.state) {
      case 'text':
        // `<` opens a tag only before a letter, `/` or `!`; the next character decides.
        if (this.#tail.at(-2) === '<' && /[a-z/!]/i.test(c)) { this.state = 'tag-name'; this.#name = c; }
        return;
      case 'tag-name':
        if (c === '>') this.#endTag();
        else if (/\s/.test(c)) this.state = 'tag';
        else if (c === '/' && this.#name !== '') this.state = 'tag';
        else {
          this.#name += c;
          if (this.#name === '!--') { this.state = 'comment'; this.#tail = ''; }
        }
        return;
      case 'tag':
        if (c === '>') this.#endTag();
        else if (!/[\s/]/.test(c)) this.state = 'attribute';
        return;
      case 'attribute':
        if (c === '>') this.#endTag();
        else if (/\s/.test(c)) { if (!/=\s*$/.test(this.#tail)) this.state = 'tag'; }
        else if (/=\s*["']$/.test(this.#tail)) this.state = c === '"' ? 'double' : 'single';
        else if (/=\s*[^\s"'=]$/.test(this.#tail)) this.state = 'bare';
        return;
      case 'double': if (c === '"') this.state = 'tag'; return;
      case 'single': if (c === "'") this.state = 'tag'; return;
      case 'bare':
        if (c === '>') this.#endTag();
        else if (/\s/.test(c)) this.state = 'tag';
        return;
      case 'comment': if (this.#tail.endsWith('-->')) { this.state = 'text'; this.#tail = ''; } return;
      case 'only-text':
        if (this.#tail.toLowerCase().endsWith(this.#until)) { this.state = 'tag-name'; this.#name = this.#until.slice(1); }
    }
  }

  #endTag(): void {
    const closing = this.#name.startsWith('/');
    const name = (closing ? this.#name.slice(1) : this.#name).toLowerCase();
    const selfClosed = this.#tail.endsWith('/>');
    this.state = 'text';
    this.#tail = '';
    if (name === '' || name.startsWith('!') || VOID.has(name)) return;
    if (selfClosed && !TEXT_ONLY.has(name)) return;
    this.#tags.push(closing ? `/${name}` : name);
    if (!closing && TEXT_ONLY.has(name)) { this.state = 'only-text'; this.#until = `</${name}`; }
  }
}
