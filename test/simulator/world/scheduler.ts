import {
  ConflictException,
  CreateScheduleCommand,
  DeleteScheduleCommand,
  ResourceNotFoundException,
  ValidationException,
} from "@aws-sdk/client-scheduler";
import type { NamedChance } from "./chance.ts";
import type { Faults } from "./faults.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface SchedulerProps {
  readonly time: VirtualTime;
  readonly chance: NamedChance;
  readonly faults: Faults;
  /** Sends to the queue of that ARN. */
  readonly send: (queueArn: string, body: string) => void;
}

/**
 * EventBridge Scheduler's one-time schedules, as bad as they are allowed to be: within a minute of
 * their time, now and then later, and sometimes twice.
 */
export class SimulatedScheduler {
  readonly requests = { create: 0, delete: 0 };
  readonly #props: SchedulerProps;
  readonly #schedules = new Map<string, { readonly arn: string; readonly input: string }>();

  constructor(props: SchedulerProps) {
    this.#props = props;
  }

  apply(command: object): object {
    if (command instanceof CreateScheduleCommand) return this.#create(command.input);
    if (command instanceof DeleteScheduleCommand) {
      this.requests.delete += 1;
      if (!this.#schedules.delete(command.input.Name ?? "")) {
        throw new ResourceNotFoundException({
          Message: "no such schedule",
          message: "",
          $metadata: {},
        });
      }
      return {};
    }
    throw new Error(`the simulated Scheduler knows no ${command.constructor.name}`);
  }

  get count(): number {
    return this.#schedules.size;
  }

  #create({ Name: name = "", ScheduleExpression, Target }: CreateScheduleCommand["input"]): object {
    const { time, chance, faults } = this.#props;
    this.requests.create += 1;
    const at = /^at\((.{19})\)$/.exec(ScheduleExpression ?? "")?.[1];
    const dueMs = Date.parse(`${at}Z`);
    if (!(dueMs > time.now()) || !/^[0-9A-Za-z-_.]{1,64}$/.test(name)) {
      throw new ValidationException({
        Message: "in the past, or misnamed",
        message: "",
        $metadata: {},
      });
    }
    if (this.#schedules.has(name)) {
      throw new ConflictException({ Message: "it exists", message: "", $metadata: {} });
    }
    this.#schedules.set(name, { arn: Target?.Arn ?? "", input: Target?.Input ?? "" });
    const place = `schedule ${Target?.Input}`;
    const minuteMs = chance.pure(place) * 60_000;
    const lateMs = faults.hits("fired_late", place)
      ? chance.pure(`late|${place}`) * 900_000
      : minuteMs;
    time.at(dueMs + lateMs, () => this.#fire(name, place));
    if (faults.hits("fired_at_once", place)) time.after(1, () => this.#fire(name, place, true));
    return { ScheduleArn: `arn:aws:scheduler:::schedule/${name}` };
  }

  #fire(name: string, place: string, isKept = false): void {
    const schedule = this.#schedules.get(name);
    if (!schedule) return;
    if (!isKept) this.#schedules.delete(name);
    this.#props.send(schedule.arn, schedule.input);
    if (this.#props.faults.hits("fired_twice", place)) {
      this.#props.send(schedule.arn, schedule.input);
    }
  }
}
