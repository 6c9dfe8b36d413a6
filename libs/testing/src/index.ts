export { recordBus, type RecordedMessage } from './bus-recorder.js';
export { startNats, type TestNats } from './nats.js';
export { startPostgres, type TestPostgres } from './postgres.js';
export { startS3, type TestS3 } from './s3.js';
export { exampleFiles, gitRepository, type TestRepository } from './git-repository.js';
export { sampleElement, sampleFeatures, sampleMap, startSampleSite, type SampleServer } from './sample-site.js';
export { startGitLab, type GitLabSimulator } from './gitlab/simulator.js';
export { startGitHub, type Delivery, type GitHubSimulator, type Installation, type SimulatedApp } from './github/simulator.js';
export type { SimulatedRepository } from './github/repository.js';
