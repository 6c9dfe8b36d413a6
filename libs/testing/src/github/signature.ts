import { createHash, generateKeyPairSync, sign } from 'node:crypto';

/** GitHub's own key, made anew for each process. Its signatures have the SSH format, so that `git verify-commit` can hold them against `signingKey()`. */
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const NAMESPACE = 'git';

function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const keyBlob = Buffer.concat([field('ssh-ed25519'), field(Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url'))]);

/** The public key as a line of an allowed-signers file has it. */
export function signingKey(): string {
  return `ssh-ed25519 ${keyBlob.toString('base64')}`;
}

/** The armoured signature over a commit. */
export function signed(payload: string): string {
  const parts = (body: Buffer) => [field(NAMESPACE), field(''), field('sha512'), field(body)];
  const digest = createHash('sha512').update(payload).digest();
  const signature = sign(null, Buffer.concat([Buffer.from('SSHSIG'), ...parts(digest)]), privateKey);
  const version = Buffer.from([0, 0, 0, 1]);
  const envelope = Buffer.concat([Buffer.from('SSHSIG'), version, field(keyBlob), field(NAMESPACE), field(''), field('sha512'), field(Buffer.concat([field('ssh-ed25519'), field(signature)]))]);
  return `-----BEGIN SSH SIGNATURE-----\n${(envelope.toString('base64').match(/.{1,70}/g) as string[]).join('\n')}\n-----END SSH SIGNATURE-----\n`;
}
