/** Messages that are neither text nor file: a location, a contact. */
import { badRequest, type Refusal } from "../refusal.ts";
import type { Call, Done } from "./method.ts";
import { postOne } from "./posting.ts";

export function sendLocation(call: Call): Done | Refusal {
  const [latitude, longitude] = [call.params.text("latitude").trim(), call.params.text("longitude").trim()];
  if (latitude === "") return badRequest("latitude is empty");
  if (longitude === "") return badRequest("longitude is empty");
  const location = { latitude: Number(latitude), longitude: Number(longitude) };
  const isOnEarth = Math.abs(location.latitude) <= 90 && Math.abs(location.longitude) <= 180;
  return postOne(call, () => (isOnEarth ? { fields: { location } } : badRequest("wrong location specified")));
}

export function sendContact(call: Call): Done | Refusal {
  const { params } = call;
  const [phone, firstName, lastName] = [
    params.text("phone_number"),
    params.text("first_name"),
    params.text("last_name"),
  ];
  if (phone === "") return badRequest("phone_number is empty");
  if (firstName === "") return badRequest("first_name is empty");
  const contact = { phone_number: phone, first_name: firstName, ...(lastName === "" ? {} : { last_name: lastName }) };
  return postOne(call, () => ({ fields: { contact } }));
}
