/** So many at a time; who comes when all are taken waits in line. */
export class Lanes {
  private readonly line: Array<() => void> = [];

  constructor(private free: number) {}

  /** Nothing where one is free, otherwise a promise of the next. Each has to be left again. */
  enter(): Promise<void> | undefined {
    if (this.free === 0) return new Promise((resolve) => { this.line.push(resolve); });
    this.free--;
    return undefined;
  }

  leave(): void {
    const next = this.line.shift();
    if (next) next();
    else this.free++;
  }
}
