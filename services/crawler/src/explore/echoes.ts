import type { Behaviour } from '#contracts';
import { hasOwnText, textOf } from '../accessibility/names.js';
import type { PlannedStep } from './plan.js';
import { isShown, type View } from './screens.js';

/** Values typed in the steps that are shown as text afterwards and were not before. */
export function echoesOf(planned: readonly PlannedStep[], before: View, after: View): Behaviour['echoes'] {
  const echoes: Behaviour['echoes'] = [];
  for (const [index, { act }] of planned.entries()) {
    if (act.do !== 'fill' || act.data.trim().length < 3 || before.byId.get(act.key)?.field?.type === 'password') continue;
    if (holder(before, act.data) !== undefined) continue;
    const element = holder(after, act.data);
    if (element !== undefined) echoes.push({ step: index, element });
  }
  return echoes;
}
/** The first shown element whose own words hold the value. */
function holder(view: View, value: string): string | undefined {
  return view.elements.find((element) => {
    const node = view.dom.byKey.get(element.id);
    return isShown(element) && node && element.tag !== 'option' && hasOwnText(node) && (textOf(node)?.includes(value) ?? false);
  })?.id;
}
