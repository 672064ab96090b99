"""E-mail to staff: alarms reach those who have no chat with the bot, or whose bot is what stopped."""
