/** Tells one running step to end, once, with the reason. The signal is made when somebody asks for it: it costs more than all else here, and few inline handlers look at it. */
export class StepStop {
  private controller: AbortController | undefined;
  private reason: unknown;
  private listener: (reason: unknown) => void = () => undefined;

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.reason !== undefined) this.controller.abort(this.reason);
    return this.controller.signal;
  }

  get isStopped(): boolean { return this.reason !== undefined; }

  /** Calls `listener` when the step is stopped; at once when it was. One listener. */
  onStop(listener: (reason: unknown) => void): void {
    this.listener = listener;
    if (this.reason !== undefined) listener(this.reason);
  }

  stop(reason: Error): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.controller?.abort(reason);
    this.listener(reason);
  }
}
