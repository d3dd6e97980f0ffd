import { X509Certificate, createPrivateKey } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lazarus } from './node-server.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lazarus-certs-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const certificate = async (name: string): Promise<X509Certificate> =>
  new X509Certificate(await readFile(join(root, 'certs', name)));

const make = (...args: readonly string[]) => lazarus(['dev-certs', '--out', join(root, 'certs'), ...args]);

describe('lazarus dev-certs', () => {
  it('S18: writes an authority and a certificate for each of 3 nodes whose only DNS name is its id', async () => {
    const ended = await make('--days', '2');
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect((await readdir(join(root, 'certs'))).sort()).toEqual([
      'a.crt',
      'a.key',
      'b.crt',
      'b.key',
      'c.crt',
      'c.key',
      'ca.crt',
    ]);
    const ca = await certificate('ca.crt');
    for (const id of ['a', 'b', 'c']) {
      const cert = await certificate(`${id}.crt`);
      expect(cert.subjectAltName).toBe(`DNS:${id}`);
      expect(cert.verify(ca.publicKey)).toBe(true);
      const key = createPrivateKey(await readFile(join(root, 'certs', `${id}.key`)));
      expect(cert.checkPrivateKey(key)).toBe(true);
      const daysLeft = (Date.parse(cert.validTo) - Date.now()) / 86_400_000;
      expect(daysLeft).toBeGreaterThan(1.9);
      expect(daysLeft).toBeLessThan(2.1);
    }
  });

  it('makes keys that only their owner can read', async () => {
    await make();
    const modes = await Promise.all(
      ['a.key', 'b.key', 'c.key'].map(async (name) => (await stat(join(root, 'certs', name))).mode & 0o777),
    );
    expect(modes).toEqual([0o600, 0o600, 0o600]);
  });

  it('names the settings that come next', async () => {
    const { out } = await make('--nodes', 'n1,n2');
    expect(out).toContain(`ca: ${join(root, 'certs', 'ca.crt')}`);
    expect(out).toContain(`key: ${join(root, 'certs', 'n1.key')}`);
  });

  it('leaves what is there untouched, names it, and replaces it with --force', async () => {
    await make();
    const before = await readFile(join(root, 'certs', 'b.key'), 'utf8');
    const refused = await make('--nodes', 'b,d');
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(`${join(root, 'certs', 'b.key')} are there already`);
    expect(refused.err).toContain('--force');
    expect(await readFile(join(root, 'certs', 'b.key'), 'utf8')).toBe(before);
    expect(await readdir(join(root, 'certs'))).not.toContain('d.key');
    expect((await make('--force')).code).toBe(0);
    expect(await readFile(join(root, 'certs', 'b.key'), 'utf8')).not.toBe(before);
    expect((await stat(join(root, 'certs', 'b.key'))).mode & 0o777).toBe(0o600);
  });

  it('refuses ids that are no ids, or occur twice, with exit code 2 and no file', async () => {
    for (const nodes of ['a,../b', 'a,a', 'a,']) {
      const ended = await make('--nodes', nodes);
      expect(ended.code, nodes).toBe(2);
      expect(ended.err, nodes).toContain(`--nodes ${nodes} cannot be used`);
      expect(ended.err, nodes).not.toMatch(/\n\s+at /);
    }
    expect(await readdir(root)).toEqual([]);
  });

  it('refuses 0 days, and more than 825', async () => {
    expect((await make('--days', '0')).code).toBe(2);
    expect((await make('--days', '826')).code).toBe(2);
  });
});
