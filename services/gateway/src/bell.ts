/** Wakes one waiting reader. A ring while nobody waits is kept, so nothing that happens between a look and a wait is slept through. */
export class Bell {
  private pending = false;
  private wake: () => void = () => undefined;

  constructor(signal: AbortSignal) { signal.addEventListener('abort', () => this.ring(), { once: true }); }

  ring(): void {
    this.pending = true;
    this.wake();
  }

  /** True when it rang within `ms`, false when the time is over. */
  async rung(ms: number): Promise<boolean> {
    if (!this.pending) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.wake = () => { clearTimeout(timer); resolve(); };
      });
    }
    const rang = this.pending;
    this.pending = false;
    return rang;
  }
}
