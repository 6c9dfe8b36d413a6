import type { Behaviour, Element, Expectation, Screen } from '#contracts';

/** The words of test cases. Everything quoted comes from the repository: clipped, on one line. */

const NOUNS: Record<string, string> = {
  link: 'link', button: 'button', checkbox: 'checkbox', radio: 'radio button', tab: 'tab', menuitem: 'menu item', switch: 'switch', option: 'option', combobox: 'list', listbox: 'list',
  textbox: 'field', searchbox: 'field', spinbutton: 'field', slider: 'slider', heading: 'heading', img: 'image', dialog: 'dialog', form: 'form',
};
const GERUNDS: Record<string, string> = {
  sign: 'Signing', log: 'Logging', register: 'Registering', send: 'Sending', save: 'Saving', add: 'Adding', create: 'Creating', search: 'Searching', submit: 'Submitting', subscribe: 'Subscribing',
  continue: 'Continuing', book: 'Booking', order: 'Ordering', buy: 'Buying', pay: 'Paying', join: 'Joining', ask: 'Asking', post: 'Posting', publish: 'Publishing', update: 'Updating', edit: 'Editing',
  delete: 'Deleting', remove: 'Removing', upload: 'Uploading', filter: 'Filtering', find: 'Finding', confirm: 'Confirming', apply: 'Applying', request: 'Requesting', reserve: 'Reserving', place: 'Placing', go: 'Going',
};

export function clip(words: string, length = 60): string {
  const line = words.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  return line.length <= length ? line : `${line.slice(0, length - 1).trimEnd()}…`;
}
export const quote = (words: string) => `“${clip(words)}”`;

export function nameOf(element: Element): string {
  return clip(element.label || element.name || (element.field ? '' : element.text) || element.placeholder || element.alt || element.title || element.testId || element.htmlId || element.field?.name || element.role || element.tag);
}
const noun = (element: Element) => NOUNS[element.role ?? ''] ?? (element.field ? 'field' : '');
/** Whether it is called by what it is, for want of words. */
export const isNameless = (element: Element): boolean => nameOf(element) === (element.role ?? element.tag);
const withNoun = (element: Element) => (isNameless(element) ? noun(element) || element.tag : [quote(nameOf(element)), noun(element)].filter(Boolean).join(' '));
/** A control without words, in the words of its class. */
const purpose = (element: Element) => (isNameless(element) && element.classes && element.classes !== '*' ? ` (${clip(element.classes.split(' ')[0] ?? '')})` : '');

const headingsOf = ({ elements }: Screen) => elements.filter(({ role, presence, name }) => role === 'heading' && presence === 'shown' && name !== null);

/** What a person calls the screen: its main heading, else its title, else its address; next to the screen before, by what that one has not (the name of the site heads both). */
export function screenName(screen: Screen, before?: Screen): string {
  const others = before && before.id !== screen.id ? headingsOf(before) : [];
  const own = headingsOf(screen).filter(({ name, level }) => !others.some((other) => other.name === name && (level !== 1 || other.level === 1)));
  const main = own.find(({ level }) => level === 1) ?? (others.length > 0 && own.length === 1 ? own[0] : undefined);
  const words = main?.name ?? (screen.title === before?.title ? null : screen.title);
  return words ? quote(words) : clip(screen.path);
}

function where(element: Element, screen: Screen): string {
  const twins = screen.elements.some((one) => one !== element && one.presence === 'shown' && one.role === element.role && nameOf(one) === nameOf(element));
  const heading = twins && element.inItem ? screen.elements.find((one) => one.inItem === element.inItem && one.role === 'heading' && one.presence === 'shown' && one.name !== null) : undefined;
  if (heading) return ` of ${quote(nameOf(heading))}`;
  const landmark = screen.elements.find((one) => one.id === element.inLandmark);
  if (landmark?.role === 'navigation') return landmark.name ? ` in the ${quote(landmark.name)} navigation` : ' in the navigation';
  if (landmark?.role === 'banner') return ' in the header';
  if (landmark?.role === 'contentinfo') return ' in the footer';
  if (landmark?.role === 'complementary') return ' in the sidebar';
  return '';
}

const element = (screen: Screen, id: string | undefined) => screen.elements.find((one) => one.id === id);

/** `The “Pricing” link in the header`, `Signing in without “Username”`, `Choosing “Blue” in the “Colour” list`: the subject of the title. */
export function action(behaviour: Behaviour, on: Screen): string {
  const last = behaviour.steps.at(-1);
  const target = element(on, last?.element);
  if (behaviour.kind === 'redirect') return `Visiting ${clip(behaviour.visited ?? on.path)}`;
  const sought = soughtBy(behaviour, on);
  if (sought !== undefined) return `Searching for ${quote(sought)}`;
  if (behaviour.kind.startsWith('submit-')) return [submitting(behaviour, on), condition(behaviour, on)].filter(Boolean).join(' ');
  if (!last || !target) return last?.do === 'go-back' ? 'Going back' : `On ${screenName(on)}, the action`;
  const value = last.data?.kind === 'literal' ? quote(last.data.value) : 'a new value';
  switch (last.do) {
    case 'click': return noun(target) ? `The ${withNoun(target)}${purpose(target)}${where(target, on)}` : `Clicking ${quote(nameOf(target))}`;
    case 'double-click': return `Double-clicking ${withNoun(target)}`;
    case 'hover': return `Hovering over ${withNoun(target)}`;
    case 'check': return `Ticking ${quote(nameOf(target))}`;
    case 'uncheck': return `Unticking ${quote(nameOf(target))}`;
    case 'select': return `Choosing ${value} in ${quote(nameOf(target))}`;
    case 'fill': return `Typing ${value} into ${quote(nameOf(target))}`;
    case 'clear': return `Clearing ${quote(nameOf(target))}`;
    case 'press': return `Pressing ${last.data?.kind === 'literal' ? clip(last.data.value) : 'a key'} in ${quote(nameOf(target))}`;
    case 'go-back': return 'Going back';
  }
}

/** What is looked for, when a form has nothing but a field to search in. */
function soughtBy(behaviour: Behaviour, on: Screen): string | undefined {
  const [step] = behaviour.steps;
  const [field, ...others] = behaviour.kind.startsWith('submit-') ? fieldsOf(behaviour, on) : [];
  if (!step || !field || others.length > 0 || step.do !== 'fill' || step.element !== field.id || step.data?.kind !== 'literal') return undefined;
  return field.role === 'searchbox' || /\b(?:search|find|filter|query)\b/i.test(nameOf(field)) ? step.data.value : undefined;
}

function submitting(behaviour: Behaviour, on: Screen): string {
  const target = element(on, behaviour.steps.at(-1)?.element);
  const words = behaviour.steps.at(-1)?.do === 'click' && target ? nameOf(target) : '';
  const [first = '', ...rest] = words.split(' ');
  const gerund = Object.hasOwn(GERUNDS, first.toLowerCase()) ? GERUNDS[first.toLowerCase()] : undefined;
  if (gerund === undefined) return target && words ? (hasFields(behaviour, on) ? `Submitting with ${quote(words)}` : `The ${withNoun(target)}`) : 'Submitting the form';
  return [gerund, ...rest].join(' ');
}

function fieldsOf(behaviour: Behaviour, on: Screen): Element[] {
  const form = element(on, behaviour.steps.at(-1)?.element)?.inForm;
  return on.elements.filter((one) => one.field && one.role !== 'button' && one.inForm === form && one.presence === 'shown');
}
const hasFields = (behaviour: Behaviour, on: Screen) => fieldsOf(behaviour, on).length > 0;

function condition(behaviour: Behaviour, on: Screen): string {
  const touched = new Set(behaviour.steps.map((step) => step.element));
  const fields = fieldsOf(behaviour, on);
  const culprit = element(on, behaviour.invalid?.element);
  const untouched = !fields.some(({ id }) => touched.has(id));
  switch (behaviour.kind) {
    case 'submit-missing': {
      if (untouched && fields.length > 1) return 'with nothing filled in';
      const empty = culprit ? [culprit] : fields.filter((one) => !touched.has(one.id) && !CHOSEN.includes(one.field?.type ?? ''));
      return empty.length === 0 ? 'with a value missing' : `without ${empty.slice(0, 2).map((one) => quote(nameOf(one))).join(' and ')}`;
    }
    case 'submit-malformed': return culprit ? `with a malformed ${quote(nameOf(culprit))}` : 'with malformed data';
    case 'submit-rejected': return 'with data that is refused';
    default: return fields.length > 0 ? 'with valid data' : '';
  }
}

/** Roles of what an application says to its user. */
const SAYS = ['alert', 'status'];
/** Types of fields that always have a value, or need none. */
const CHOSEN = ['radio', 'checkbox', 'select', 'hidden', 'range', 'color'];

/** `opens “Plans”`, `shows “Username is required”`, `is stopped at “Email”`: the rest of the title. */
export function outcome(behaviour: Behaviour, on: Screen, to: Screen, expectations: readonly Expectation[], find: (expectation: Expectation) => Element | undefined): string {
  const visible = expectations.filter(({ expect }) => expect === 'visible').flatMap((one) => find(one) ?? []);
  const said = visible.find((one) => SAYS.includes(one.role ?? '')) ?? visible[0];
  if (behaviour.invalid) {
    const field = expectations.filter(({ expect }) => expect === 'invalid').flatMap((one) => find(one) ?? [])[0];
    if (said) return `shows ${quote(nameOf(said))}`;
    return field && behaviour.steps.length === 1 ? `is stopped at ${quote(nameOf(field))}` : 'is stopped';
  }
  if (behaviour.kind === 'redirect') return said && to.entry.by === 'behaviour' ? `leads to ${clip(to.path)} and shows ${quote(nameOf(said))}` : `leads to ${screenName(to)}`;
  const answered = said && SAYS.includes(said.role ?? '');
  if (behaviour.navigates && !(answered && behaviour.kind !== 'submit-valid')) return `opens ${screenName(to, on)}`;
  if (said) return `shows ${answered || !noun(said) || said.role === 'heading' ? quote(nameOf(said)) : `the ${withNoun(said)}`}`;
  for (const expectation of expectations) {
    const target = find(expectation);
    const name = target ? quote(nameOf(target)) : '';
    switch (expectation.expect) {
      case 'hidden': return `hides ${name}`;
      case 'checked': return `leaves ${name} ${expectation.checked ? 'ticked' : 'not ticked'}`;
      case 'enabled': return `${expectation.enabled ? 'enables' : 'disables'} ${name}`;
      case 'text': return `changes ${name} to ${quote(expectation.text)}`;
      case 'value': return expectation.data.kind === 'literal' ? `sets ${name} to ${quote(expectation.data.value)}` : `keeps the value in ${name}`;
      case 'attribute': return expectation.attribute === 'aria-expanded' ? `${expectation.value === 'true' ? 'expands' : 'collapses'} ${name}` : `${expectation.value === 'true' ? 'selects' : 'deselects'} ${name}`;
      case 'echo': return 'shows what was typed';
      case 'path': case 'title': case 'visible': case 'invalid':
    }
  }
  return `leads to ${screenName(to)}`;
}

/** One sentence for the reviewer: the regression that makes the case fail. */
export function catches(behaviour: Behaviour, on: Screen, to: Screen, expectations: readonly Expectation[], find: (expectation: Expectation) => Element | undefined): string {
  const seen = expectations.filter(({ expect }) => expect === 'visible').flatMap((one) => find(one) ?? []).map((one) => quote(nameOf(one)));
  const subject = behaviour.kind === 'redirect' ? `${clip(behaviour.visited ?? on.path)} no longer leads to ${clip(to.path)}`
    : behaviour.invalid ? `${quote(nameOf(element(on, behaviour.invalid.element) ?? on.elements[0] as Element))} is no longer checked (${behaviour.invalid.rule})`
    : behaviour.navigates ? `the way from ${clip(on.path)} to ${clip(to.path)} is broken`
    : `${clip(on.path)} no longer reacts`;
  return clip(`${subject}${seen.length > 0 ? `, or ${seen.slice(0, 2).join(' and ')} ${seen.length > 1 ? 'are' : 'is'} not shown` : ''}.`, 300);
}

const NEEDS: Record<Screen['needs'][number]['kind'], string> = {
  server: 'The application’s server runs', api: 'The API that the page calls answers', database: 'The database is reachable and seeded', login: 'An account can be signed in',
};
export function preconditions(screens: readonly Screen[]): string[] {
  return [...new Set(screens.flatMap((screen) => screen.needs.map(({ kind, detail }) => (detail ? `${NEEDS[kind]} (${clip(detail, 120)})` : NEEDS[kind]))))];
}
