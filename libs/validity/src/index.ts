export { matchesPattern, valueValidity, type Validity, type ValidityRule } from './validity.js';
