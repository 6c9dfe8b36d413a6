/** Imported before a program: its `Date` is `?ms=` milliseconds away from the machine's. Timers are not touched: they count, they do not tell the time. */
const skewMs = Number(new URL(import.meta.url).searchParams.get('ms'));
const TrueDate = Date;

globalThis.Date = new Proxy(TrueDate, {
  construct: (_target, args: ConstructorParameters<typeof Date> | [], newTarget) => Reflect.construct(TrueDate, args.length === 0 ? [TrueDate.now() + skewMs] : args, newTarget) as Date,
  apply: () => new TrueDate(TrueDate.now() + skewMs).toString(),
  get: (target, name, receiver) => (name === 'now' ? () => TrueDate.now() + skewMs : Reflect.get(target, name, receiver) as unknown),
});
