import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { anIntake } from '../intake/intake-fixture.ts';
import { fixture } from './fixture.ts';

const token = 'adapter-0123456789abcdef';
const intakeToken = 'intake-0123456789abcdef';
const secret = 'secret-0123456789abcdef';
const services = { PF9KMXH: { service: 'mailer', region: 'us-east-1', environment: 'prod' } };

const adapters = {
  alertmanager: { tokens: [token] },
  datadog: { tokens: [token] },
  eventbridge: { tokens: [token], service: 'web', environment: 'prod' },
  pagerduty: { secrets: [secret], services },
};

describe('an adapter', () => {
  it.each([
    ['alertmanager', 'alertmanager', 'HealthcheckDown'],
    ['datadog', 'datadog', 'DatadogAlert'],
    ['eventbridge', 'aws-health', 'AWSScheduledEvent'],
  ])('%s deposits what %s.json carries', async (name, file, type) => {
    const { post, stream } = anIntake({ adapters });
    const { status, body } = await post(
      fixture(file),
      { authorization: `Bearer ${token}` },
      `/v1/adapters/${name}`,
    );
    expect(status).toBe(202);
    expect(body.results?.[0]).toMatchObject({ status: 'accepted' });
    expect(body.results?.[0]?.['warnings']).toBeUndefined();
    expect(stream.events.map((event) => event.event_type)).toEqual([type]);
  });

  it('is mounted only when it is configured', async () => {
    const { post, intake } = anIntake({ adapters: { datadog: {} } });
    expect((await post({}, {}, '/v1/adapters/alertmanager')).status).toBe(404);
    expect(intake.endpoints.map(({ path }) => path)).toEqual(['/v1/events', '/v1/adapters/datadog']);
  });

  it('takes its own token in either header, and no other one', async () => {
    const { post } = anIntake({ auth: { tokens: [intakeToken] }, adapters });
    const send = async (headers: Record<string, string>): Promise<number> =>
      (await post(fixture('datadog'), headers, '/v1/adapters/datadog')).status;
    expect(await send({ 'x-lazarus-token': token })).toBe(202);
    expect(await send({ authorization: `Bearer ${token}` })).toBe(202);
    expect(await send({ authorization: `Bearer ${intakeToken}` })).toBe(401);
    expect(await send({})).toBe(401);
  });

  it('without a token of its own takes that of the intake', async () => {
    const { post } = anIntake({ auth: { tokens: [intakeToken] }, adapters: { datadog: {} } });
    const path = '/v1/adapters/datadog';
    expect((await post(fixture('datadog'), {}, path)).status).toBe(401);
    expect((await post(fixture('datadog'), { authorization: `Bearer ${intakeToken}` }, path)).status).toBe(
      202,
    );
  });

  it('answers 503, not 429, when the intake is full: some senders give up on 4xx', async () => {
    const { post, stream, clock } = anIntake({ adapters, maxInFlight: 1 });
    const headers = { authorization: `Bearer ${token}` };
    const release = stream.hang();
    const first = post(fixture('datadog'), headers, '/v1/adapters/datadog');
    await clock.settle();
    const second = await post(fixture('datadog'), headers, '/v1/adapters/datadog');
    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1']);
    release();
    expect((await first).status).toBe(202);
  });

  it('answers 400 and writes to the log when nothing could be made of a message', async () => {
    const { post, log, stream } = anIntake({ adapters });
    const headers = { authorization: `Bearer ${token}` };
    const { status, body } = await post({ version: '4' }, headers, '/v1/adapters/alertmanager');
    expect([status, body.error?.issues?.[0]?.path]).toEqual([400, 'alerts']);
    expect(log.lines).toEqual([
      expect.objectContaining({ level: 'warn', message: 'an event was refused' }) as unknown,
    ]);
    expect(stream.events).toEqual([]);
  });
});

describe('the adapter of PagerDuty', () => {
  const body = JSON.stringify(fixture('pagerduty'));
  const path = '/v1/adapters/pagerduty';
  const signature = (text: string): Record<string, string> => ({
    'x-pagerduty-signature': `v1=${createHmac('sha256', secret).update(text).digest('hex')}`,
  });

  it('takes signed webhooks alone', async () => {
    const { post, stream } = anIntake({ adapters });
    expect((await post(body, {}, path)).status).toBe(401);
    expect((await post(`${body} `, signature(body), path)).status).toBe(401);
    expect(stream.events).toEqual([]);
    expect((await post(body, signature(body), path)).status).toBe(202);
    expect(stream.events).toHaveLength(1);
  });

  it('needs a secret', () => {
    expect(() => anIntake({ adapters: { pagerduty: { secrets: [], services } } })).toThrow(
      /adapters\.pagerduty\.secrets/,
    );
  });
});
