import { randomUUID } from "node:crypto";
import {
  CreateScheduleCommand,
  CreateScheduleGroupCommand,
  DeleteScheduleCommand,
  DeleteScheduleGroupCommand,
  GetScheduleCommand,
  GetScheduleGroupCommand,
  ListScheduleGroupsCommand,
  ListSchedulesCommand,
  paginateListSchedules,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler";
import type { SchedulerClient } from "@aws-sdk/client-scheduler";
import { expect } from "vitest";
import { aSchedule, atExpression } from "../support/schedules.ts";
import { describeConformance, refusalOf } from "./describe-conformance.ts";

const HOUR_MS = 3_600_000;

/** What a server of EventBridge Scheduler does, as far as PulseGate leans on it. */
export const describeScheduler = (what: string, clientOf: () => SchedulerClient): void => {
  /** A group of a test's own. */
  const open = async () => {
    const client = clientOf();
    const GroupName = `group_${randomUUID()}`;
    await client.send(new CreateScheduleGroupCommand({ Name: GroupName }));
    const inAnHour = (name: string, more = {}) =>
      aSchedule(name, Date.now() + HOUR_MS, { GroupName, ...more });
    const create = (name: string, more = {}) =>
      client.send(new CreateScheduleCommand(inAnHour(name, more)));
    return { client, GroupName, inAnHour, create };
  };

  describeConformance("Scheduler", what, (state) => {
    state("a schedule is kept as it was made", async () => {
      const { client, GroupName, inAnHour } = await open();
      const asked = inAnHour("kept", {
        ScheduleExpressionTimezone: "UTC",
        Description: "why",
        Target: {
          ...inAnHour("").Target,
          RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 },
          DeadLetterConfig: { Arn: inAnHour("").Target?.Arn },
        },
      });
      const { ScheduleArn: arn } = await client.send(new CreateScheduleCommand(asked));
      const { $metadata: _, ...found } = await client.send(
        new GetScheduleCommand({ Name: "kept", GroupName }),
      );
      const { CreationDate: createdAt, LastModificationDate: changedAt, ...rest } = found;
      expect(rest).toEqual({ ...asked, Arn: arn, State: "ENABLED" });
      expect(Math.abs(Number(createdAt) - Date.now())).toBeLessThan(60_000);
      expect(changedAt).toEqual(createdAt);
      expect(arn).toMatch(new RegExp(`:schedule/${GroupName}/kept$`));
    });

    for (const name of ["a", "A-Z_0.9", "-", "x".repeat(64)]) {
      state(`a schedule may be called ${JSON.stringify(name)}`, async () => {
        const { client, GroupName, create } = await open();
        expect(await refusalOf(create(name))).toBe("accepted");
        await client.send(new GetScheduleCommand({ Name: name, GroupName }));
      });
    }

    for (const [what, names] of [
      ["with other characters", ["a b", "a#b", "é", "a/b"]],
      ["of more than 64 characters", ["x".repeat(65)]],
    ] as const) {
      state(`a schedule may not have a name ${what}`, async () => {
        const { create } = await open();
        for (const name of names) {
          expect(await refusalOf(create(name)), name).not.toBe("accepted");
        }
      });
    }

    state(
      "a schedule is made once under one name: the second is a conflict, and changes nothing",
      async () => {
        const { client, GroupName, create, inAnHour } = await open();
        await create("once");
        const second = create("once", { Target: { ...inAnHour("").Target, Input: "another" } });
        expect(await refusalOf(second)).toBe("ConflictException");
        const { Target: target } = await client.send(
          new GetScheduleCommand({ Name: "once", GroupName }),
        );
        expect(target?.Input).toBe("input of once");
      },
    );

    state(
      "a schedule is made once by a create that is repeated because its answer was lost",
      async () => {
        const { client, inAnHour } = await open();
        const call = inAnHour("repeated", { ClientToken: "token" });
        const first = await client.send(new CreateScheduleCommand(call));
        const second = await client.send(new CreateScheduleCommand(call));
        expect(second.ScheduleArn).toBe(first.ScheduleArn);
      },
    );

    state("a schedule is gone once deleted, and cannot be deleted twice", async () => {
      const { client, GroupName, create } = await open();
      await create("gone");
      const remove = () => client.send(new DeleteScheduleCommand({ Name: "gone", GroupName }));
      await remove();
      expect(await refusalOf(remove())).toBe("ResourceNotFoundException");
      const get = client.send(new GetScheduleCommand({ Name: "gone", GroupName }));
      expect(await refusalOf(get)).toBe("ResourceNotFoundException");
    });

    state("a schedule can be moved, if it is there", async () => {
      const { client, GroupName, create } = await open();
      await create("moved");
      const later = Date.now() + 2 * HOUR_MS;
      const move = (name: string) =>
        client.send(new UpdateScheduleCommand(aSchedule(name, later, { GroupName })));
      await move("moved");
      const { ScheduleExpression: expression } = await client.send(
        new GetScheduleCommand({ Name: "moved", GroupName }),
      );
      expect(expression).toBe(atExpression(later));
      expect(await refusalOf(move("missing"))).toBe("ResourceNotFoundException");
    });

    state("a schedule is refused for a time that has passed, new or moved", async () => {
      const { client, create, inAnHour } = await open();
      const past = { ScheduleExpression: atExpression(Date.now() - 60_000) };
      expect(await refusalOf(create("past", past))).toBe("ValidationException");
      await create("future");
      const move = client.send(new UpdateScheduleCommand(inAnHour("future", past)));
      expect(await refusalOf(move)).toBe("ValidationException");
    });

    state("a schedule is refused for an expression that is no instant", async () => {
      const { create } = await open();
      const expressions = [
        "",
        "at()",
        "at(2999-01-01)",
        "at(2999-01-01 00:00:00)",
        "at(2999-01-01T00:00:00Z)",
        "at(2999-01-01T00:00:00.5)",
        "at(2999-02-30T00:00:00)",
        "at(2999-01-01T24:00:01)",
        "2999-01-01T00:00:00",
      ];
      for (const ScheduleExpression of expressions) {
        const outcome = await refusalOf(create("wrong", { ScheduleExpression }));
        expect([ScheduleExpression, outcome]).toEqual([ScheduleExpression, "ValidationException"]);
      }
    });

    state("a schedule is refused with a retry policy beyond the limits", async () => {
      const { create, inAnHour } = await open();
      const target = inAnHour("").Target;
      for (const RetryPolicy of [
        { MaximumEventAgeInSeconds: 59 },
        { MaximumEventAgeInSeconds: 86_401 },
        { MaximumRetryAttempts: -1 },
        { MaximumRetryAttempts: 186 },
      ]) {
        const call = create("wrong", { Target: { ...target, RetryPolicy } });
        expect(await refusalOf(call)).toBe("ValidationException");
      }
    });

    state("a schedule needs a group that is there", async () => {
      const { create } = await open();
      const call = create("lost", { GroupName: "no-such-group" });
      expect(await refusalOf(call)).toBe("ResourceNotFoundException");
    });

    state(
      "a list shows every schedule of the group once, in pages, while more are made",
      async () => {
        const { client, GroupName, create } = await open();
        const names = Array.from({ length: 23 }, (_, n) => `s${String(n).padStart(2, "0")}`);
        for (const name of names) await create(name);
        const seen: string[] = [];
        const pages = paginateListSchedules({ client, pageSize: 5 }, { GroupName });
        for await (const { Schedules: page = [] } of pages) {
          expect(page.length).toBeLessThanOrEqual(5);
          seen.push(...page.map(({ Name: name = "" }) => name));
          if (seen.length === 5) await create("a-first");
        }
        expect(seen.toSorted()).toEqual(names);
      },
    );

    state("a list can be narrowed by prefix and state", async () => {
      const { client, GroupName, create } = await open();
      await create("a1");
      await create("a2", { State: "DISABLED" });
      await create("b1");
      const list = async (filter: object) => {
        const { Schedules: page = [] } = await client.send(
          new ListSchedulesCommand({ GroupName, ...filter }),
        );
        return new Set(page.map(({ Name: name }) => name));
      };
      expect(await list({ NamePrefix: "a" })).toEqual(new Set(["a1", "a2"]));
      expect(await list({ State: "ENABLED" })).toEqual(new Set(["a1", "b1"]));
    });

    state(
      "a list is refused for a group that is not there, and for a size out of bounds",
      async () => {
        const { client, GroupName } = await open();
        const list = (query: object) => refusalOf(client.send(new ListSchedulesCommand(query)));
        expect(await list({ GroupName: "no-such-group" })).toBe("ResourceNotFoundException");
        expect(await list({ GroupName, MaxResults: 0 })).toBe("ValidationException");
        expect(await list({ GroupName, MaxResults: 101 })).toBe("ValidationException");
      },
    );

    state("a group is made once, shown, listed, and goes with its schedules", async () => {
      const { client, GroupName, create } = await open();
      const again = client.send(new CreateScheduleGroupCommand({ Name: GroupName }));
      expect(await refusalOf(again)).toBe("ConflictException");
      await create("inside");
      const { State: state } = await client.send(new GetScheduleGroupCommand({ Name: GroupName }));
      expect(state).toBe("ACTIVE");
      const { ScheduleGroups: listed = [] } = await client.send(
        new ListScheduleGroupsCommand({ NamePrefix: GroupName }),
      );
      expect(listed.map(({ Name: name }) => name)).toContain(GroupName);

      await client.send(new DeleteScheduleGroupCommand({ Name: GroupName }));
      const get = client.send(new GetScheduleCommand({ Name: "inside", GroupName }));
      expect(await refusalOf(get)).toBe("ResourceNotFoundException");
    });

    state("a group that is not there is not found", async () => {
      const { client } = await open();
      const get = client.send(new GetScheduleGroupCommand({ Name: "no-such-group" }));
      expect(await refusalOf(get)).toBe("ResourceNotFoundException");
    });
  });
};
