export { candidatesFor, namelessCandidates } from './candidates.js';
export { answering, landmarksOf, wraps } from './answering.js';
