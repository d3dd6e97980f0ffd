import { createManualClock, createRecordingLogger } from '@lazarus/testing';
import { expect, it } from 'vitest';
import { createRareWarnings } from '../src/transports/rare-warnings.ts';

it('a warning of a kind is written at most once in 60 s, with how many were left out', async () => {
  const clock = createManualClock();
  const log = createRecordingLogger();
  const warn = createRareWarnings({ clock, log });
  for (let times = 0; times < 300; times += 1) warn('flood', 'too many', {});
  warn('other', 'something else', {});
  await clock.advance(59_999);
  warn('flood', 'too many', {});
  expect(log.lines.map(({ message }) => message)).toEqual(['too many', 'something else']);
  await clock.advance(1);
  warn('flood', 'too many', {});
  expect(log.lines.at(-1)).toMatchObject({ message: 'too many', fields: { leftOut: 300 } });
});
