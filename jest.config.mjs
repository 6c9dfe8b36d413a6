/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // The private condition makes `#bus` mean libs/bus/src/index.ts, so that tests run on sources and never on a stale build.
  testEnvironmentOptions: { customExportConditions: ['pullwright-source', 'node', 'node-addons'] },
  roots: ['<rootDir>/services', '<rootDir>/libs', '<rootDir>/bench', '<rootDir>/tools'],
  testMatch: ['**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': '@swc/jest' },
  // Under vm modules a worker grows by about 11 MB per spec file; it is replaced before that matters.
  workerIdleMemoryLimit: '1GB',
  testTimeout: 30_000,
};
