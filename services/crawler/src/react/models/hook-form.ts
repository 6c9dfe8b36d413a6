import { toNumber, truth } from '../../interpret/convert.js';
import type { Machine, ModuleModel, ModuleModels } from '../../interpret/machine.js';
import { isRegExp, runnable } from '../../interpret/regular-expressions.js';
import { Boxed, Fn, isObject, Undecided, Unknown, type Native, type Obj, type Value } from '../../interpret/values.js';
import type { Place } from '../../markup.js';
import { hooks } from '../hooks.js';
import type { Renderer } from '../renderer.js';

/** react-hook-form with its own rules: uncontrolled fields, checked on submission and, once that failed, on every change. Schemas of other packages are not followed. */
export function hookFormModels(renderer: () => Renderer): ModuleModels {
  return new Map<string, ModuleModel>([['react-hook-form', (machine, at) => machine.namespace('react-hook-form', at, { useForm: machine.fn('useForm', useForm(machine, renderer())) })]]);
}

interface Form { values: Map<string, Value>; errors: Map<string, { type: string; message: Value }>; rules: Map<string, Value>; submitted: boolean; options: Value }

function useForm(machine: Machine, renderer: Renderer): Native {
  return ([options], self, at) => {
    const holder = hooks(renderer)['useRef']?.([null], self, at);
    const known = machine.get(holder, 'current');
    const form: Form = known instanceof Boxed ? known.inner as Form : { values: new Map(), errors: new Map(), rules: new Map(), submitted: false, options };
    if (isObject(holder) && !(known instanceof Boxed)) holder.put('current', new Boxed(null, form));
    form.options = options;
    const undecided = (what: string): Fn => machine.fn(what, (_args, _self, place) => { throw new Undecided(`${what}() of a form changes its fields`, place); });
    return machine.namespace('useForm', at, {
      register: machine.fn('register', ([name, rules], _self, place) => register(machine, renderer, form, name, rules, place)),
      handleSubmit: machine.fn('handleSubmit', ([onValid, onInvalid]) => machine.fn('submit', ([event], _self, place) => submit(machine, renderer, form, { event, onValid, onInvalid }, place))),
      formState: machine.namespace('formState', at, { errors: errorsOf(machine, form), isSubmitting: false, isSubmitted: form.submitted, isLoading: false, isValidating: false }),
      watch: machine.fn('watch', ([name]) => (typeof name === 'string' ? valueOf(machine, form, name) : dataOf(machine, form))),
      getValues: machine.fn('getValues', ([name]) => (typeof name === 'string' ? valueOf(machine, form, name) : dataOf(machine, form))),
      reset: machine.fn('reset', ([values], _self, place) => {
        if (values !== undefined) throw new Undecided('reset() of a form fills in its fields', place);
        machine.effect('the fields of a form', place);
        form.values.clear(); form.errors.clear(); form.submitted = false;
        renderer.fieldsReset = true;
        renderer.schedule();
        return undefined;
      }),
      clearErrors: machine.fn('clearErrors', (_args, _self, place) => { machine.effect('the errors of a form', place); form.errors.clear(); renderer.schedule(); return undefined; }),
      setError: machine.fn('setError', ([name, error], _self, place) => { machine.effect('the errors of a form', place); if (typeof name === 'string') form.errors.set(name, { type: 'custom', message: machine.get(error, 'message', place) }); renderer.schedule(); return undefined; }),
      setValue: undecided('setValue'), setFocus: machine.fn('setFocus', () => undefined),
    });
  };
}

function valueOf(machine: Machine, form: Form, name: string): Value {
  if (form.values.has(name)) return form.values.get(name);
  const defaults = isObject(form.options) ? machine.get(form.options, 'defaultValues') : undefined;
  const value = isObject(defaults) || defaults instanceof Unknown ? machine.get(defaults, name) : undefined;
  return value === undefined && form.rules.has(name) ? '' : value;
}
function dataOf(machine: Machine, form: Form): Obj {
  const data = machine.object();
  for (const name of form.rules.keys()) put(machine, data, name, valueOf(machine, form, name));
  return data;
}
/** `a.b` stands for a field of a field. */
function put(machine: Machine, data: Obj, name: string, value: Value): void {
  const path = name.split('.').slice(0, 10);
  let at = data;
  for (const key of path.slice(0, -1)) {
    const inner = at.own(key)?.value;
    const next = isObject(inner) ? inner : machine.object();
    at.put(key, next);
    at = next;
  }
  at.put(path.at(-1) ?? name, value);
}
function errorsOf(machine: Machine, form: Form): Obj {
  const errors = machine.object();
  for (const [name, { type, message }] of form.errors) put(machine, errors, name, machine.object({ type, message, ref: machine.object({ name }) }));
  return errors;
}

function register(machine: Machine, renderer: Renderer, form: Form, name: Value, rules: Value, at: Place): Value {
  if (typeof name !== 'string') return name instanceof Unknown ? name : new Unknown('the name of a field', at);
  form.rules.set(name, rules);
  const initial = form.values.has(name) ? undefined : valueOf(machine, form, name);
  const onChange = machine.fn('onChange', ([event], _self, place) => {
    machine.effect('a field', place);
    const target = machine.get(event, 'target', place);
    const checkbox = machine.get(target, 'type', place) === 'checkbox';
    form.values.set(name, machine.get(target, checkbox ? 'checked' : 'value', place));
    if (form.submitted) check(machine, form, name, place);
    renderer.schedule();
    return undefined;
  });
  return machine.object({ name, onChange, onBlur: machine.fn('onBlur', () => undefined), ...(typeof initial === 'string' && initial !== '' ? { defaultValue: initial } : {}) });
}

function submit(machine: Machine, renderer: Renderer, form: Form, given: { event: Value; onValid: Value; onInvalid: Value }, at: Place): Value {
  const prevent = machine.get(given.event, 'preventDefault', at);
  if (prevent instanceof Fn) machine.call(prevent, [], given.event, at);
  if (isObject(form.options) && machine.get(form.options, 'resolver') !== undefined) throw new Undecided('a form that is checked by a schema', at);
  machine.effect('a submission', at);
  form.submitted = true;
  for (const name of form.rules.keys()) check(machine, form, name, at);
  renderer.schedule();
  if (form.errors.size > 0) return given.onInvalid instanceof Fn ? machine.call(given.onInvalid, [errorsOf(machine, form), given.event], undefined, at) : undefined;
  return machine.call(given.onValid, [dataOf(machine, form), given.event], undefined, at);
}

/** Applies the rules of one field, in the order in which react-hook-form does, and keeps the first that fails. */
function check(machine: Machine, form: Form, name: string, at: Place): void {
  const rules = form.rules.get(name);
  const value = valueOf(machine, form, name);
  form.errors.delete(name);
  if (rules === undefined) return;
  if (!isObject(rules) || value instanceof Unknown) throw new Undecided(value instanceof Unknown ? value.reason : 'the rules of a field', at);
  const fail = (type: string, message: Value): void => { form.errors.set(name, { type, message: typeof message === 'string' || message instanceof Unknown ? message : '' }); };
  const rule = (key: string): { limit: Value; message: Value } | undefined => {
    const given = machine.get(rules, key, at);
    if (given === undefined || given === null || given === false) return undefined;
    return isObject(given) && !isRegExp(given) ? { limit: machine.get(given, 'value', at), message: machine.get(given, 'message', at) } : { limit: given, message: given };
  };
  const required = rule('required');
  const empty = value === '' || value === undefined || value === null || value === false;
  if (required && required.limit !== false && empty) { fail('required', required.message); return; }
  if (!empty && typeof value === 'string') {
    for (const [key, breaks] of [['min', (n: number) => Number(value) < n], ['max', (n: number) => Number(value) > n], ['minLength', (n: number) => value.length < n], ['maxLength', (n: number) => value.length > n]] as const) {
      const bound = rule(key);
      const limit = bound ? toNumber(machine, bound.limit, at) : undefined;
      if (limit instanceof Unknown) throw new Undecided(limit.reason, at);
      if (bound && limit !== undefined && breaks(limit)) { fail(key, bound.message); return; }
    }
    const pattern = rule('pattern');
    if (pattern && isRegExp(pattern.limit)) {
      const expression = runnable(pattern.limit, value);
      if (expression instanceof Unknown) throw new Undecided(expression.reason, at);
      if (value.search(expression) < 0) { fail('pattern', pattern.message); return; }
    }
  }
  validate(machine, form, machine.get(rules, 'validate', at), value, fail, at);
}

function validate(machine: Machine, form: Form, rule: Value, value: Value, fail: (type: string, message: Value) => void, at: Place): void {
  const checks: Array<[string, Value]> = rule instanceof Fn ? [['validate', rule]] : isObject(rule) ? rule.keys().map((key) => [key, machine.get(rule, key)]) : [];
  for (const [type, callback] of checks) {
    const result = machine.call(callback, [value, dataOf(machine, form)], undefined, at);
    const holds = truth(result);
    if (holds instanceof Unknown || (isObject(result) && !(result instanceof Fn))) throw new Undecided('a rule that waits', at);
    if (typeof result === 'string' ? result !== '' : !holds && result !== undefined) { fail(type, result); return; }
  }
}
