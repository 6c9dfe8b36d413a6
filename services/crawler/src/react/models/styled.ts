import type { Machine, ModuleModel, ModuleModels } from '../../interpret/machine.js';
import { Fn, isObject, Obj, Unknown, type Key, type Native, type Property, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';

/** styled-components and emotion: a styled tag is the tag, a styled component the component. The styles are not read, so a class that nobody knows is on each. */
export function styledModels(): ModuleModels {
  return new Map<string, ModuleModel>(['styled-components', '@emotion/styled', '@emotion/react', 'styled-components/macro'].map((name) => [name, styledNamespace]));
}

const nothing: Native = () => null;

function styledNamespace(machine: Machine, at: Place): Obj {
  const styled = new Styled(machine, at);
  const namespace = machine.namespace('styled-components', at, { default: styled, styled, css: machine.fn('css', () => ''), keyframes: machine.fn('keyframes', (_args, _self, place) => new Unknown('an animation', place)), jsx: machine.fn('jsx', ([type, props, key], _self, place) => machine.element(type, isObject(props) ? props : machine.object(), key ?? null, place)) });
  namespace.put('createGlobalStyle', machine.fn('createGlobalStyle', () => machine.fn('GlobalStyle', nothing))).put('Global', machine.fn('Global', nothing));
  namespace.put('ThemeProvider', machine.fn('ThemeProvider', ([props]) => machine.get(props, 'children'))).put('useTheme', machine.fn('useTheme', (_args, _self, place) => new Unknown('the theme', place)));
  return namespace;
}

/** `styled.button`, `styled(Button)`. */
class Styled extends Fn {
  constructor(private readonly machine: Machine, at: Place) {
    super(machine.intrinsic('Function'), 'styled', at);
    this.native = ([target]) => this.template(target);
  }
  override own(key: Key): Property | undefined {
    const known = super.own(key);
    if (known || typeof key !== 'string' || !/^[a-z][a-z0-9]*$/.test(key)) return known;
    return { value: this.template(key), enumerable: false, writable: false };
  }
  /** What is called with the styles: a tag of a template, with `attrs` and `withConfig`. */
  private template(target: Value, attrs?: Value): Fn {
    const { machine } = this;
    const tag = machine.fn('styled', () => this.component(target, attrs));
    tag.put('attrs', machine.fn('attrs', ([more]) => this.template(target, more)));
    tag.put('withConfig', machine.fn('withConfig', () => this.template(target, attrs)));
    return tag;
  }
  private component(target: Value, attrs: Value): Fn {
    const { machine } = this;
    return machine.fn(typeof target === 'string' ? `styled.${target}` : 'styled', ([props], _self, at) => {
      const copy = machine.object();
      const given = attrs instanceof Fn ? machine.call(attrs, [props], undefined, at) : attrs;
      for (const source of [given, props]) if (isObject(source)) { for (const key of source.keys()) if (!key.startsWith('$')) copy.put(key, machine.get(source, key)); if (source.missing) copy.missing = source.missing; }
      const as = machine.get(copy, 'as', at);
      copy.properties.delete('as');
      copy.properties.delete('theme');
      if (typeof target === 'string') copy.put('className', new Unknown('the styles of a styled component', at));
      return machine.element(as ?? target, copy, null, at);
    });
  }
}
