import { Controller, Get } from '@nestjs/common';
import { openapi } from './openapi.js';

@Controller('api')
export class OpenapiController {
  private readonly document = openapi();

  @Get('openapi.json')
  get(): Record<string, unknown> { return this.document; }
}
