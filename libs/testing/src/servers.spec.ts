import { stat } from 'node:fs/promises';
import { Client } from 'pg';
import { gitRepository } from './git-repository.js';
import { startNats } from './nats.js';
import { startPostgres } from './postgres.js';
import { startS3 } from './s3.js';

test('a database is fresh and real, and two of them know nothing of each other', async () => {
  const [first, second] = [await startPostgres(), await startPostgres()];
  const client = new Client({ connectionString: first.url });
  await client.connect();
  await client.query('CREATE TABLE thing (id int)');
  const other = new Client({ connectionString: second.url });
  await other.connect();
  await expect(other.query('SELECT * FROM thing')).rejects.toMatchObject({ code: '42P01' });
  const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num');
  expect(Number(rows[0]?.server_version_num)).toBeGreaterThanOrEqual(150_000);
  await Promise.all([client.end(), other.end()]);
  await first.stop();
  await second.stop();
});

test('nats-server restarts on its port', async () => {
  const nats = await startNats();
  const before = nats.pid();
  await nats.kill();
  await nats.restart();
  expect(nats.pid()).not.toBe(before);
  await nats.remove();
});

test('the S3 server keeps what is written and refuses a wrong signature', async () => {
  const s3 = await startS3();
  const key = `${s3.endpoint}/${s3.bucket}/key`;
  const stamp = '20260101T000000Z';
  const forged = `AWS4-HMAC-SHA256 Credential=${s3.accessKey}/20260101/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`;
  const refused = await fetch(key, { method: 'PUT', body: 'x', headers: { authorization: forged, 'x-amz-date': stamp, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } });
  expect(refused.status).toBe(403);
  expect((await fetch(key, { method: 'PUT', body: 'x' })).status).toBe(200);
  expect(await (await fetch(key)).text()).toBe('x');
  await s3.stop();
  await expect(stat(s3.directory)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a git repository has the same commit for the same files', async () => {
  const [one, two] = [await gitRepository({ 'a/b.txt': 'x' }), await gitRepository({ 'a/b.txt': 'x' })];
  expect(await one.head()).toBe(await two.head());
  const next = await one.commit({ 'a/b.txt': undefined, c: 'y' });
  expect((await one.git('ls-tree', '-r', '--name-only', next)).split('\n')).toEqual(['c']);
  await Promise.all([one.remove(), two.remove()]);
});
