import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sampleFeatures } from '#testing';
import { design } from '../services/case-generator/src/design.js';

/** Writes the cases of the sample site, which the specs of later agents start from: `node dist/tools/sample-cases.js libs/testing/src`. The case generator's spec says when they are out of date. */
writeFileSync(join(process.argv[2] ?? '.', 'sample-cases.json'), `${JSON.stringify(sampleFeatures().map(design), null, 2)}\n`);
