import { ElementObj, Obj, Unknown, type Key, type Property, type Value } from '../../interpret/values.js';
import type { Machine, ModuleModel, ModuleModels } from '../../interpret/machine.js';

const SETTINGS = new Set(['initial', 'animate', 'exit', 'transition', 'variants', 'whileHover', 'whileTap', 'whileInView', 'whileFocus', 'whileDrag', 'drag', 'dragConstraints', 'layout', 'layoutId', 'viewport', 'custom', 'onAnimationComplete', 'onViewportEnter', 'style']);

/** Animations: a moving tag is the tag once it has come to rest. What its style is then is not known. */
export function motionModels(): ModuleModels {
  return new Map<string, ModuleModel>([['framer-motion', motionNamespace], ['motion/react', motionNamespace]]);
}
const motionNamespace: ModuleModel = (machine, at) => {
  const motion = new Motion(machine);
  return machine.namespace('framer-motion', at, { motion, m: motion, AnimatePresence: machine.fn('AnimatePresence', children(machine)), LazyMotion: machine.fn('LazyMotion', children(machine)), MotionConfig: machine.fn('MotionConfig', children(machine)), LayoutGroup: machine.fn('LayoutGroup', children(machine)) });
};
const children = (machine: Machine) => ([props]: readonly Value[]): Value => machine.get(props, 'children');

class Motion extends Obj {
  constructor(private readonly machine: Machine) { super(machine.intrinsic('Object')); }
  override own(key: Key): Property | undefined {
    const known = super.own(key);
    if (known || typeof key !== 'string' || !/^[a-z][a-z0-9]*$/.test(key)) return known;
    const { machine } = this;
    this.put(key, machine.fn(`motion.${key}`, ([props], _self, at) => {
      const copy = machine.object();
      if (props instanceof Obj) for (const name of props.keys()) if (!SETTINGS.has(name)) copy.put(name, machine.get(props, name));
      if (props instanceof Obj && props.missing) copy.missing = props.missing;
      // Without a target there is no animation that could leave it out of sight.
      if (props instanceof Obj && ['animate', 'whileInView', 'style', 'variants'].some((name) => machine.get(props, name) !== undefined)) copy.put('style', settled(machine, props));
      return machine.element(key, copy, null, at);
    }));
    return super.own(key);
  }
}

/** The style at rest: what `animate` says of opacity and size; unknown where that is not plainly written. */
function settled(machine: Machine, props: Obj): Value {
  const target = machine.get(props, 'animate') ?? machine.get(props, 'whileInView');
  if (target instanceof Obj && !(target instanceof ElementObj) && !target.missing) {
    const style = machine.object();
    const own = machine.get(props, 'style');
    for (const source of [own, target]) if (source instanceof Obj) for (const key of ['display', 'visibility', 'opacity', 'height', 'width']) { const value = machine.get(source, key); if (value !== undefined) style.put(key, value); }
    return style;
  }
  return target === undefined ? machine.get(props, 'style') : new Unknown('an animation', { file: '', line: 1 });
}
