// An S3 server in a process of its own: real HTTP, real signatures, real files. Arguments: folder, bucket, port (0 takes a free one). Prints its port once it listens.
import S3rver from '@20minutes/s3rver';

const [directory, bucket, port = '0'] = process.argv.slice(2);
const server = new S3rver({ address: '127.0.0.1', port: Number(port), silent: true, directory, configureBuckets: [{ name: bucket }] });
// minio asks for unfinished uploads of an object before it sends a large one; s3rver has no answer to that, an empty list is true here.
server.middleware.unshift(async (ctx, next) => {
  if (ctx.method === 'GET' && 'uploads' in ctx.query) {
    ctx.type = 'application/xml';
    ctx.body = `<?xml version="1.0" encoding="UTF-8"?><ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>${bucket}</Bucket><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>`;
    return;
  }
  await next();
});
// S3 shows an object whole or not at all; s3rver writes content and metadata one after the other, so requests for one object take turns.
const turns = new Map();
server.middleware.unshift(async (ctx, next) => {
  const before = turns.get(ctx.path);
  const turn = Promise.withResolvers();
  turns.set(ctx.path, turn.promise);
  await before;
  ctx.res.once('close', () => {
    if (turns.get(ctx.path) === turn.promise) turns.delete(ctx.path);
    turn.resolve();
  });
  await next();
});
const listening = await server.run();
process.stdout.write(`${listening.port}\n`);
