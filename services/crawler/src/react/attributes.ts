import { toText } from '../interpret/convert.js';
import type { Machine } from '../interpret/machine.js';
import { Choice, Fn, isObject, Unknown, type Obj, type Value } from '../interpret/values.js';
import type { Place, Words } from '../markup.js';

/** The HTML attributes that React writes for the props of a tag. */
export function attributesOf(machine: Machine, tag: string, props: Obj, at: Place): Map<string, Words | true> {
  const attributes = new Map<string, Words | true>();
  for (const prop of props.keys()) {
    if (NOT_ATTRIBUTES.has(prop) || /^on[A-Z]/.test(prop)) continue;
    const name = nameOf(tag, prop);
    const words = wordsOf(machine, name, machine.get(props, prop, at), at);
    if (words !== undefined && name !== null) attributes.set(name, words);
  }
  if (props.missing) for (const name of MAY_BE_SPREAD) if (!attributes.has(name)) attributes.set(name, { undecided: props.missing.reason });
  return attributes;
}

const NOT_ATTRIBUTES = new Set(['children', 'key', 'ref', 'dangerouslySetInnerHTML', 'suppressHydrationWarning', 'suppressContentEditableWarning', 'innerHTML']);
/** What an unknown spread may set of what matters to finding and using an element. */
const MAY_BE_SPREAD = ['id', 'class', 'style', 'hidden', 'role', 'title', 'disabled', 'aria-label', 'aria-labelledby', 'aria-hidden', 'href'];

const RENAMED: Readonly<Record<string, string>> = {
  className: 'class', htmlFor: 'for', acceptCharset: 'accept-charset', httpEquiv: 'http-equiv', defaultValue: 'value', defaultChecked: 'checked', xlinkHref: 'xlink:href',
};
function nameOf(tag: string, prop: string): string | null {
  if ((tag === 'select' || tag === 'textarea') && (prop === 'value' || prop === 'defaultValue')) return null;
  return Object.hasOwn(RENAMED, prop) ? RENAMED[prop] ?? null : prop.toLowerCase();
}

const BOOLEAN = new Set(['allowfullscreen', 'async', 'autofocus', 'autoplay', 'checked', 'controls', 'default', 'defer', 'disabled', 'disablepictureinpicture', 'formnovalidate', 'hidden', 'inert', 'loop', 'multiple', 'muted', 'nomodule', 'novalidate', 'open', 'playsinline', 'readonly', 'required', 'reversed', 'selected']);

function wordsOf(machine: Machine, name: string | null, value: Value, at: Place): Words | true | undefined {
  if (value === undefined || value === null || value instanceof Fn || typeof value === 'symbol') return undefined;
  if (value instanceof Unknown) return { undecided: value.reason };
  if (name !== null && BOOLEAN.has(name)) return value === false || value === '' && name !== 'hidden' || value === 0 ? undefined : true;
  if (typeof value === 'boolean') return name !== null && (name.startsWith('aria-') || name.startsWith('data-') || ['contenteditable', 'draggable', 'spellcheck'].includes(name)) ? String(value) : name === 'download' && value ? true : undefined;
  if (name === 'style' && isObject(value)) return styleText(machine, value, at);
  const text = toText(machine, value, at);
  return text instanceof Unknown ? { undecided: text.reason } : text;
}

const WITHOUT_UNIT = new Set(['opacity', 'z-index', 'flex', 'flex-grow', 'flex-shrink', 'font-weight', 'line-height', 'order', 'zoom', 'column-count', 'grid-row', 'grid-column', 'aspect-ratio', 'scale', 'fill-opacity', 'stroke-opacity', 'stroke-width', 'line-clamp', 'tab-size', 'widows', 'orphans']);
/** A style object as text. Only `display`, `visibility`, `opacity` and size decide what can be seen: an unknown value of another property is left out. */
function styleText(machine: Machine, style: Obj, at: Place): Words | undefined {
  if (style.missing) return { undecided: style.missing.reason };
  const parts: string[] = [];
  for (const key of style.keys()) {
    const name = key.startsWith('--') ? key : key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const value = machine.get(style, key, at);
    if (value instanceof Unknown) {
      if (DECIDES_SIGHT.has(name) && !(value instanceof Choice && value.options.every((option) => option !== 'none' && option !== 'hidden' && !(option instanceof Unknown) && option !== 0 && option !== '0'))) return { undecided: value.reason };
      continue;
    }
    if (value === undefined || value === null || typeof value === 'boolean' || value === '') continue;
    const text = toText(machine, value, at);
    if (text instanceof Unknown) continue;
    parts.push(`${name}: ${typeof value === 'number' && value !== 0 && !WITHOUT_UNIT.has(name) && !name.startsWith('--') ? `${text}px` : text}`);
  }
  return parts.length > 0 ? parts.join('; ') : undefined;
}
const DECIDES_SIGHT = new Set(['display', 'visibility', 'opacity', 'content-visibility', 'width', 'height', 'max-height', 'max-width', 'transform', 'clip', 'clip-path', 'pointer-events']);
