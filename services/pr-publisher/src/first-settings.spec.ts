import { DEFAULT_REPOSITORY_FILE, readRepositoryFile } from '#contracts';
import { FIRST_SETTINGS } from './first-settings.js';

test('the file that is offered is valid, and says what holds without it', () => {
  expect(readRepositoryFile(FIRST_SETTINGS)).toEqual({ file: { ...DEFAULT_REPOSITORY_FILE, pushes: [{ start: 'test-generation' }] }, problems: [] });
});
