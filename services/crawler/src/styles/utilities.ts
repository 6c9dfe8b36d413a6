import type { Verdict } from './media.js';

/**
 * Tailwind's utilities that hide, show or empty an element, with the breakpoints of its default theme at 1280 pixels. The class is the
 * source of truth: the sheet that Tailwind would generate does not stand in the repository.
 */
export interface Utility { property: 'display' | 'visibility' | 'opacity' | 'pointer-events' | 'position' | 'zero'; value: string; applies: Verdict; important: boolean; /** Later variants win over earlier ones and over none. */ rank: number }

const DISPLAY = new Map([
  ['hidden', 'none'], ['block', 'block'], ['inline-block', 'inline-block'], ['inline', 'inline'], ['flex', 'flex'], ['inline-flex', 'inline-flex'], ['table', 'table'], ['inline-table', 'inline-table'], ['table-caption', 'table-caption'],
  ['table-cell', 'table-cell'], ['table-column', 'table-column'], ['table-row', 'table-row'], ['flow-root', 'flow-root'], ['grid', 'grid'], ['inline-grid', 'inline-grid'], ['contents', 'contents'], ['list-item', 'list-item'],
  // Several lines of text are clamped in a box of their own; truncation leaves the display alone.
  ['line-clamp-1', '-webkit-box'], ['line-clamp-2', '-webkit-box'], ['line-clamp-3', '-webkit-box'],
]);
const OTHER = new Map<string, [Utility['property'], string]>([
  ['invisible', ['visibility', 'hidden']], ['visible', ['visibility', 'visible']], ['collapse', ['visibility', 'collapse']], ['opacity-0', ['opacity', '0']], ['opacity-100', ['opacity', '1']],
  ['pointer-events-none', ['pointer-events', 'none']], ['pointer-events-auto', ['pointer-events', 'auto']], ['sr-only', ['zero', 'yes']], ['not-sr-only', ['zero', 'no']],
  ['h-0', ['zero', 'yes']], ['w-0', ['zero', 'yes']], ['max-h-0', ['zero', 'yes']], ['max-w-0', ['zero', 'yes']], ['scale-0', ['zero', 'yes']], ['scale-x-0', ['zero', 'yes']], ['scale-y-0', ['zero', 'yes']], ['size-0', ['zero', 'yes']],
  ['absolute', ['position', 'absolute']], ['fixed', ['position', 'fixed']], ['relative', ['position', 'relative']], ['static', ['position', 'static']], ['sticky', ['position', 'sticky']],
  ['float-left', ['position', 'absolute']], ['float-right', ['position', 'absolute']],
  ['-translate-x-full', ['zero', 'yes']], ['translate-x-full', ['zero', 'yes']], ['-translate-y-full', ['zero', 'yes']], ['translate-y-full', ['zero', 'yes']], ['translate-x-0', ['zero', 'no']], ['translate-y-0', ['zero', 'no']],
]);
const BREAKPOINTS = ['sm', 'md', 'lg', 'xl'];

/** The utilities that a class attribute applies. `customScreens`: the project changes the breakpoints, so none of them is decided. */
export function utilitiesOf(classes: string, customScreens: boolean): Utility[] {
  const utilities: Utility[] = [];
  for (const token of classes.split(/\s+/)) {
    const variants = token.split(':');
    let name = variants.pop() ?? '';
    const important = name.startsWith('!') || name.endsWith('!');
    if (important) name = name.replace(/^!|!$/g, '');
    const display = DISPLAY.get(name);
    const [property, value] = display ? ['display' as const, display] : OTHER.get(name) ?? [];
    if (!property || value === undefined) continue;
    let applies: Verdict = 'yes';
    let rank = 0;
    for (const variant of variants) {
      const verdict = variantApplies(variant, customScreens);
      applies = applies === 'no' || verdict === 'no' ? 'no' : applies === 'maybe' || verdict === 'maybe' ? 'maybe' : 'yes';
      rank = Math.max(rank, BREAKPOINTS.indexOf(variant) + 1, BREAKPOINTS.includes(variant) ? 0 : 5);
    }
    if (applies !== 'no') utilities.push({ property, value, applies, important, rank });
  }
  return utilities;
}

function variantApplies(variant: string, customScreens: boolean): Verdict {
  if (BREAKPOINTS.includes(variant)) return customScreens ? 'maybe' : 'yes';
  if (variant === '2xl') return customScreens ? 'maybe' : 'no';
  if (/^max-(sm|md|lg|xl)$/.test(variant)) return customScreens ? 'maybe' : 'no';
  if (variant === 'print' || variant === 'portrait' || variant === 'motion-reduce') return 'no';
  const bound = /^(min|max)-\[(\d{1,5})px\]$/.exec(variant);
  if (bound) return (bound[1] === 'min' ? 1280 >= Number(bound[2]) : 1280 < Number(bound[2])) ? 'yes' : 'no';
  return 'maybe';
}
