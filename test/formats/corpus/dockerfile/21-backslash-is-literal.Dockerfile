# escape=`
FROM mcr.example\win:1
