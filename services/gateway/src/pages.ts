import type { Request, Response } from 'express';
import type { Page } from './responses.js';

/** Adds the RFC 8288 link to the page that follows, with the caller's own filters. */
export function paginated<T>(request: Request, response: Response, page: Page<T>): Page<T> {
  if (page.next !== undefined) {
    const next = new URL(request.originalUrl, 'http://gateway');
    next.searchParams.set('cursor', page.next);
    response.setHeader('Link', `<${next.pathname}${next.search}>; rel="next"`);
  }
  return page;
}
