import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Failure } from '#contracts';
import { problemOf, problemOfStatus } from './problem.js';
import { tellQuotas } from './rate-limit.js';

/** The one place where an error becomes an answer: always `application/problem+json`. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly log = new Logger('gateway');

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    if (response.headersSent) {
      this.log.error(`${request.method} ${request.path} broke off: ${String(error)}`);
      response.destroy();
      return;
    }
    const instance = request.originalUrl.slice(0, 500);
    if (error instanceof HttpException) {
      send(response, problemOfStatus(error.getStatus(), instance));
      return;
    }
    const failure = error instanceof Failure ? error : new Failure('internal', undefined, { cause: error });
    const { problem, retryAfterSeconds, quotas } = problemOf(failure, instance);
    if (problem.status >= 500) this.log.error(`${request.method} ${request.path}: ${failure.message}`, error instanceof Error ? error.stack : String(error));
    if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', String(retryAfterSeconds));
    tellQuotas(response, quotas);
    send(response, problem);
  }
}

function send(response: Response, problem: { status: number }): void {
  response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}
