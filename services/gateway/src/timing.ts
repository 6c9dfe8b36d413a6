/** How long the gateway waits. A test waits less. */
export class Timing {
  /** For the coordinator's answer; then it counts as away. */
  answerMs = 5_000;
  /** Between signs of life on a silent stream, so that proxies keep it open. */
  heartbeatMs = 15_000;
}
