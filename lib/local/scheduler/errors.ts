/** A refusal as AWS words it: the type goes into the header `x-amzn-errortype`, the text into `Message`. */
export class SchedulerError extends Error {
  readonly type: string;
  readonly status: number;

  constructor(type: string, status: number, message: string) {
    super(message);
    this.name = type;
    this.type = type;
    this.status = status;
  }
}

export const invalid = (message: string): SchedulerError =>
  new SchedulerError("ValidationException", 400, message);

export const missing = (what: string): SchedulerError =>
  new SchedulerError("ResourceNotFoundException", 404, `${what} does not exist.`);

export const conflict = (what: string): SchedulerError =>
  new SchedulerError("ConflictException", 409, `${what} already exists.`);
