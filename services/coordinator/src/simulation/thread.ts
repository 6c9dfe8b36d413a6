import { parentPort } from 'node:worker_threads';
import { simulateWorlds, type Share } from './simulate.js';

parentPort?.on('message', (share: Share) => { void simulateWorlds(share).then((reports) => parentPort?.postMessage(reports, [])); });
