/** The emoji that may be reactions, as the documentation of `ReactionTypeEmoji` lists them. */

const listed =
  "❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡";

/** With and without the selector that makes a sign colourful: the server takes both. */
export const reactionEmojis: ReadonlySet<string> = new Set(
  listed.split(" ").flatMap((emoji) => [emoji, `${emoji}\ufe0f`]),
);
