# Sends one event with Ruby's net/http.
require 'json'
require 'net/http'

uri = URI('https://api.june.so/api/identify')
answer = Net::HTTP.post(uri, JSON.generate(type: 'identify', userId: ARGV[0]), 'Authorization' => 'Basic secret_api_key', 'Content-Type' => 'application/json')
abort "answered #{answer.code}" unless answer.code == '200'
