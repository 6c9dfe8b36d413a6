export { candidatesFor } from './candidates.js';
export { answering, landmarksOf, wraps } from './answering.js';
