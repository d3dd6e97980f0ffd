import { describe, expect, it } from 'vitest';
import { createPseudonyms } from '../src/runbook-tests/pseudonyms.ts';
import { isSecretKey } from '../src/runbook-tests/secrets.ts';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl';
const BASE64 = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ';

describe('keys of secrets', () => {
  it.each([
    ...[
      'accessToken',
      'clientSecret',
      'dbPassword',
      'x-api-key',
      'api-key',
      'APIKey',
      'passphrase',
      'DB_PWD',
    ],
    ...['dsn', 'aws_access_key', 'accessKeyId', 'Authorization', 'sessionId', 'mysql.passwd', 'authtoken'],
  ])('%s names a secret', (key) => expect(isSecretKey(key)).toBe(true));

  it.each(['author', 'host_state', 'output', 'passed', 'keyboard', 'tokenizer', 'monkey', 'accessed_at'])(
    '%s names none',
    (key) => expect(isSecretKey(key)).toBe(false),
  );
});

describe('values', () => {
  it('lose what a key calls a secret, and the report names each place', () => {
    const pseudonyms = createPseudonyms();
    const kept = pseudonyms.value(
      { accessToken: 'hunter2', nested: [{ 'x-api-key': 'abc123def', state: 'DOWN' }], pwd: 17 },
      'attributes',
    );
    expect(kept).toEqual({
      accessToken: '[redacted]',
      nested: [{ 'x-api-key': '[redacted]', state: 'DOWN' }],
      pwd: '[redacted]',
    });
    expect(pseudonyms.report().redacted).toEqual([
      'attributes.accessToken',
      'attributes.nested[0].x-api-key',
      'attributes.pwd',
    ]);
  });
});

describe('texts', () => {
  it.each([
    ['mysql -u root --password=hunter2 -h db', 'mysql -u root --password=[redacted] -h db'],
    ['mysql --password hunter2 -h db', 'mysql --password [redacted] -h db'],
    ['password: hunter2', 'password: [redacted]'],
    ['error: password=hunter2, exit 1', 'error: password=[redacted], exit 1'],
    ['passphrase: hunter2 hunter2', 'passphrase: [redacted]'],
    ['{"dbPassword":"hunter2 x","user":"root"}', '{"dbPassword":[redacted],"user":"root"}'],
    [String.raw`{\"token\":\"hunter2\"}`, String.raw`{\"token\":[redacted]}`],
    ['Server=db;Pwd=hunter2;', 'Server=db;Pwd=[redacted];'],
    ['curl -u root:hunter2 x', 'curl -u [redacted] x'],
    ['rsync root:hunter2@db', 'rsync [redacted]@db'],
    ['sent bearer hunter2hunter2', 'sent [redacted]'],
    ['sent Basic cm9vdDpodW50ZXIy', 'sent [redacted]'],
    ['Authorization: Basic cm9vdDpodW50ZXIy', 'Authorization: [redacted]'],
    [`got ${JWT}`, 'got [redacted]'],
    [`got ${BASE64}`, 'got [redacted]'],
    [`got ${'0123456789ABCDEF'.repeat(2)}`, 'got [redacted]'],
    ['-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----', '[redacted]'],
  ])('%s has its secret left out and its place told', (text, safe) => {
    const pseudonyms = createPseudonyms();
    expect(pseudonyms.text(text, 'attributes.output')).toBe(safe);
    expect(pseudonyms.report().redacted).toEqual(['attributes.output']);
  });

  it.each([
    ['https://root:hunter2@db.example.com/x?token=1', 'https://example.invalid/1'],
    ['HTTPS://DB.EXAMPLE.COM/x', 'https://example.invalid/1'],
    ['mail Ada.L@Example.com', 'mail person-1@example.invalid'],
    ['arn:aws:iam::123456789012:role/web', 'arn:aws:example:::1'],
    ['account 123456789012', 'account 000000000001'],
    ['account 1234-5678-9012', 'account 000000000001'],
    ['from 2001:db8:5::17', 'from 2001:db8::1'],
    ['from fe80:0:0:0:1:2:3:4', 'from 2001:db8::1'],
    ['WEB-3.PROD.EXAMPLE.COM is gone', 'host-1 is gone'],
  ])('%s is renamed', (text, renamed) => {
    expect(createPseudonyms().text(text, 'attributes.output')).toBe(renamed);
  });

  it.each(['basic checks were passed at 12:34:56', 'load 0.93, 3 of 4 sessions', 'default.replace_host@1'])(
    '%s stays',
    (text) => {
      const pseudonyms = createPseudonyms();
      expect(pseudonyms.text(text, 'attributes.output')).toBe(text);
      expect(pseudonyms.report()).toEqual({ renamed: '', redacted: [] });
    },
  );

  it('know a host in upper case, by its short name, and its peers by how they are named; services and zones stay', () => {
    const pseudonyms = createPseudonyms();
    pseudonyms.keep('web-v2', 'us-east-1b');
    pseudonyms.name('host', 'web-prod-17.example.com');
    pseudonyms.name('host', 'us-db-1');
    expect(pseudonyms.text('WEB-PROD-17, web-prod-18 and web-9f3 of web-v2 in us-east-1b', '')).toBe(
      'host-1, host-3 and host-4 of web-v2 in us-east-1b',
    );
    expect(pseudonyms.report().renamed).toBe('4 hosts');
  });
});
