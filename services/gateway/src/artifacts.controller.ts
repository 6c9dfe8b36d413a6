import { Controller, Get, Param, Res } from '@nestjs/common';
import type { Response } from 'express';
import { ArtifactStore } from '#artifacts';
import { ArtifactPath } from './requests.js';

/** The raw bytes of an artifact. They never change, so a client may keep them for good. */
@Controller('api/v1/artifacts')
export class ArtifactsController {
  constructor(private readonly store: ArtifactStore) {}

  @Get(':artifactId')
  async get(@Param({ schema: ArtifactPath }) { artifactId }: ArtifactPath, @Res() response: Response): Promise<void> {
    const bytes = await this.store.bytes(artifactId);
    response.set({ 'Content-Type': isTar(bytes) ? 'application/x-tar' : 'application/json', 'Cache-Control': 'private, max-age=31536000, immutable', ETag: `"${artifactId}"` });
    response.send(bytes);
  }
}

/** An id does not tell the kind. The two layouts of artifacts are told apart by the magic of POSIX tar. */
function isTar(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(257, 262)).toString('latin1') === 'ustar';
}
