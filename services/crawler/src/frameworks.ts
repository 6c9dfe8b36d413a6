import type { Framework } from './framework.js';
import { express } from './express/express.js';
import { html } from './html.js';
import { next } from './next/next.js';
import { react } from './react/react.js';

/** Every kind of front end the crawler understands. More specific ones first: what they claim, plain HTML leaves alone. */
export const FRAMEWORKS: readonly Framework[] = [next, react, express, html];
