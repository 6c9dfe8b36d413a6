export { candidatesFor } from './candidates.js';
export { answering, landmarksOf, normalised } from './answering.js';
