/**
 * What every front end is lowered to: a tree of HTML elements in which each word is either known from the source or
 * honestly undecided. Accessible names, forms, visibility and locators are computed on this tree and nowhere else.
 */

/** A line of a file of the repository. The blob is added when the map is written (`Repo.locate`). */
export interface Place { file: string; line: number }

/** A value that the source does not decide, with the source text or reason that stands in its place. */
export interface Undecided { undecided: string }
export type Words = string | Undecided;

export type Markup = MarkupElement | MarkupText | MarkupOpaque | MarkupGroup;

export interface MarkupElement {
  kind: 'element';
  /** Lower-case HTML (or SVG) tag. Components are rendered away before. */
  tag: string;
  /** Lower-case HTML names (`class`, `for`, `tabindex`), `true` for a bare attribute. Absent: certainly not set. */
  attributes: Map<string, Words | true>;
  children: Markup[];
  at: Place;
  /** By event name (`click`, `submit`, `input`, `change`, `keydown`, `dblclick` …): tokens that only the application that made them understands. */
  handlers?: Map<string, unknown>;
  /** `innerHTML` and the like: the children are not known. */
  raw?: boolean;
}
export interface MarkupText { kind: 'text'; text: Words; at: Place }
/** A part whose markup the source does not give: a third-party component, raw HTML from data. It may hold anything. */
export interface MarkupOpaque { kind: 'opaque'; what: string; at: Place; children?: Markup[] }
/** Children that are rendered under a condition that the source does not decide, or an unknown number of times. */
export interface MarkupGroup { kind: 'group'; when: 'unsure' | 'repeated'; why: string; children: Markup[]; at: Place }

export const isKnown = (words: Words | true | undefined): words is string => typeof words === 'string';

/**
 * Stands in the values that an interpreted server makes new on every run: ids, tokens, hashes. They are concrete, so that forms can send them back, and never shown as known: words
 * that hold one are undecided, and what only ties elements together (`id`, `for`, `form`, a hidden field) keeps it.
 */
export const GENERATED = /74021983\d{4}/;
