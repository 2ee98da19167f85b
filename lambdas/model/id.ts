import * as z from "zod";

/** An id or a room name: 1–128 characters, none of them a control character (contract 2.8). */
export const Id = z
  .string()
  .min(1)
  .max(128)
  .refine((id) => id.isWellFormed() && !/\p{Cc}/u.test(id), "must not contain control characters");
