/** A model that proposes everything which the question seems to allow, and no more: what it says is right, as far as the map is. */

interface Question {
  elements: Record<string, { at: string; field?: { type: string; required: boolean } }>;
  screens: Array<{ id: string; path: string; title: string | null; entry: string; shown: string[]; differing?: Record<string, { at: string }> }>;
  behaviours: Array<{ id: string; kind: string; on: string; to: string; invalid?: { element: string; rule: string }; steps: Array<{ action: string; element?: string; value?: string; newValue?: string }>; because: string[] }>;
}
type Behaviour = Question['behaviours'][number];

const WRONG = ['', ' ', 'nobody', 'ada@', '-1', '0.5', '999999999', 'a', 'not a url', '1234567'];

const line = (at: string) => ({ file: at.slice(0, at.lastIndexOf(':')), line: Number(at.slice(at.lastIndexOf(':') + 1)) });

const visit = ({ path }: Question['screens'][number]) => ({ action: 'goto', path, target: null, value: null });
const because = ({ id, because: [at = ''] }: Behaviour) => ({ behaviour: id, ...line(at) });

/** Flows of up to `length` behaviours from every screen that is visited, and every wrong value in every field of every form that the browser checks. */
export function eagerly(question: string, length = 3): { cases: object[] } {
  const { elements, screens, behaviours } = JSON.parse(question) as Question;
  const target = (screen: string, element: string) => ({ screen, element, ...line(elements[element]?.at ?? '') });
  const stepsOf = ({ on, steps }: Behaviour) => steps.map(({ action, element, value }) => ({ action, path: null, target: element === undefined ? null : target(on, element), value: value ?? null }));
  const cases: object[] = [];

  const walk = (start: Question['screens'][number], legs: Behaviour[], at: string) => {
    if (legs.length > 1) {
      const [last, end] = [legs.at(-1) as Behaviour, screens.find(({ id }) => id === at)];
      cases.push({
        kind: 'flow', reason: 'What is done first may break what is done then.', steps: [visit(start), ...legs.flatMap(stepsOf)],
        expectations: end?.title && last.invalid === undefined ? [{ expect: 'title', title: end.title, because: because(last) }] : [],
      });
    }
    if (legs.length < length) for (const next of behaviours) if (next.on === at && next.kind !== 'redirect' && next.steps.length > 0 && !legs.includes(next)) walk(start, [...legs, next], next.to);
  };
  for (const screen of screens) if (screen.entry === 'visit') walk(screen, [], screen.id);

  for (const known of behaviours) {
    const start = screens.find(({ id, entry }) => id === known.on && entry === 'visit');
    if (!known.invalid || !start) continue;
    const full = behaviours.filter(({ on, steps }) => on === known.on && steps.at(-1)?.element === known.steps.at(-1)?.element).sort((a, b) => b.steps.length - a.steps.length)[0] ?? known;
    for (const [i, step] of full.steps.entries()) {
      if (step.action !== 'fill') continue;
      for (const value of WRONG) {
        const steps = stepsOf(full).map((one, j) => (j === i ? { ...one, value } : { ...one, value: one.action === 'fill' ? one.value ?? 'ada@example.com' : one.value }));
        cases.push({ kind: 'negative', reason: 'A person gets this wrong easily.', steps: [visit(start), ...steps], expectations: [] });
      }
    }
  }
  return { cases };
}
