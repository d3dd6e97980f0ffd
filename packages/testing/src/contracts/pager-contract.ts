import type { Page, Pager, PageResult } from '@lazarus/core/ports';
import type { ContractRunner } from './runner.ts';

/** What a pager adapter provides to be examined. */
export interface PagerHarness {
  readonly pager: Pager;
  /** Opens a page as a sensor does. */
  open(incidentKey: string): Promise<void>;
  /** A person acknowledges the page. */
  touch(incidentKey: string): Promise<void>;
  /** Notes on the open page, oldest first. */
  notesOf(incidentKey: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

const KEY = 'web/web-1';

function summary(page: Page | undefined): object | undefined {
  return page && { status: page.status, level: page.escalationLevel, human: page.takenByHuman };
}

/** What every `Pager` adapter promises (S10). */
export function describePagerContract(
  runner: ContractRunner,
  options: { readonly name: string; readonly create: () => Promise<PagerHarness> },
): void {
  const { describe, expect } = runner;
  const it = (title: string, body: (harness: PagerHarness) => Promise<void>): void =>
    runner.it(title, async () => {
      const harness = await options.create();
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    });
  const done = (result: PageResult, changed: boolean, page: object): void => {
    expect({ done: result.done, changed: result.done && result.changed, page: summary(result.page) }).toEqual(
      {
        done: true,
        changed,
        page,
      },
    );
  };
  const refused = (result: PageResult, reason: string): void => {
    expect(result).toMatchObject({ done: false, reason });
  };
  const triggered = { status: 'triggered', level: 1, human: false };
  const acknowledged = { ...triggered, status: 'acknowledged' };
  const resolved = { ...triggered, status: 'resolved' };

  describe(`pager contract: ${options.name}`, () => {
    it('an unknown incident key has no page, and nothing can be done to it', async ({ pager }) => {
      expect(await pager.find({ incidentKey: KEY })).toBeUndefined();
      refused(await pager.acknowledge({ incidentKey: KEY }), 'not_found');
      refused(await pager.resolve({ incidentKey: KEY }), 'not_found');
      refused(await pager.escalate({ incidentKey: KEY, reason: 'unsafe' }), 'not_found');
    });

    it('an open page is found by its incident key, at level 1 and in nobody’s hands', async ({
      pager,
      open,
    }) => {
      await open(KEY);
      await open('web/web-2');
      const page = await pager.find({ incidentKey: KEY });
      expect(summary(page)).toEqual(triggered);
      expect(page?.incidentKey).toBe(KEY);
    });

    it('acknowledging takes the page, and doing it again changes nothing', async ({ pager, open }) => {
      await open(KEY);
      done(await pager.acknowledge({ incidentKey: KEY }), true, acknowledged);
      done(await pager.acknowledge({ incidentKey: KEY }), false, acknowledged);
      expect(summary(await pager.find({ incidentKey: KEY }))).toEqual(acknowledged);
    });

    it('resolving closes the page, and doing it again changes nothing', async ({ pager, open }) => {
      await open(KEY);
      await pager.acknowledge({ incidentKey: KEY });
      done(await pager.resolve({ incidentKey: KEY }), true, resolved);
      done(await pager.resolve({ incidentKey: KEY }), false, resolved);
    });

    it('S10: a resolved page is never acknowledged or escalated, which would open it again', async ({
      pager,
      open,
    }) => {
      await open(KEY);
      await pager.resolve({ incidentKey: KEY });
      refused(await pager.acknowledge({ incidentKey: KEY }), 'already_resolved');
      refused(await pager.escalate({ incidentKey: KEY, reason: 'late' }), 'already_resolved');
      expect(summary(await pager.find({ incidentKey: KEY }))).toEqual(resolved);
    });

    it('escalating hands the page to level 2 and to a person, also after it was acknowledged', async ({
      pager,
      open,
    }) => {
      await open(KEY);
      await pager.acknowledge({ incidentKey: KEY });
      const page = { status: 'triggered', level: 2, human: true };
      done(await pager.escalate({ incidentKey: KEY, reason: 'quorum not reached' }), true, page);
      done(await pager.escalate({ incidentKey: KEY, reason: 'quorum not reached' }), false, page);
    });

    it('a page that a person acknowledged is left to that person', async ({ pager, open, touch }) => {
      await open(KEY);
      await touch(KEY);
      expect(summary(await pager.find({ incidentKey: KEY }))).toEqual({ ...acknowledged, human: true });
      refused(await pager.acknowledge({ incidentKey: KEY }), 'taken_by_human');
      refused(await pager.resolve({ incidentKey: KEY }), 'taken_by_human');
      expect(summary(await pager.find({ incidentKey: KEY }))).toEqual({ ...acknowledged, human: true });
    });

    it('a person who takes the page after Lazarus is noticed', async ({ pager, open, touch }) => {
      await open(KEY);
      await pager.acknowledge({ incidentKey: KEY });
      await touch(KEY);
      expect((await pager.find({ incidentKey: KEY }))?.takenByHuman).toBe(true);
    });

    it('a page that went to level 2 is not taken back', async ({ pager, open }) => {
      await open(KEY);
      await pager.escalate({ incidentKey: KEY, reason: 'no rule' });
      refused(await pager.acknowledge({ incidentKey: KEY }), 'taken_by_human');
    });

    it('a page that is opened again after it was resolved is a new one', async ({ pager, open }) => {
      await open(KEY);
      const first = await pager.find({ incidentKey: KEY });
      await pager.resolve({ incidentKey: KEY });
      await open(KEY);
      const second = await pager.find({ incidentKey: KEY });
      expect(summary(second)).toEqual(triggered);
      expect(second?.pageId === first?.pageId).toBe(false);
    });

    it('notes and the reason of an escalation are written to the page', async ({ pager, open, notesOf }) => {
      await open(KEY);
      await pager.acknowledge({ incidentKey: KEY, note: 'replacing web-1' });
      await pager.escalate({ incidentKey: KEY, reason: 'quorum not reached' });
      expect(await notesOf(KEY)).toEqual(['replacing web-1', 'quorum not reached']);
    });

    it('an aborted signal ends a call with its reason', async ({ pager, open }) => {
      await open(KEY);
      const reason = new Error('shutting down');
      const signal = AbortSignal.abort(reason);
      const outcome = await pager.acknowledge({ incidentKey: KEY, signal }).catch((error: unknown) => error);
      expect(outcome).toBe(reason);
      expect(summary(await pager.find({ incidentKey: KEY }))).toEqual(triggered);
    });
  });
}
